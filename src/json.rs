//! Makes JSON documents of what applies.

use serde_json::Value;

/// The fields without those that are `null`, which do not apply.
pub(crate) fn applying(mut fields: Value) -> Value {
    if let Value::Object(fields) = &mut fields {
        fields.retain(|_, value| !value.is_null());
    }
    fields
}
