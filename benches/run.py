#!/usr/bin/env python3
"""Runs regtree and its peers on the same trees, in turn, and prints one Markdown table. See run.sh.

Each command runs once to fill the cache, then --runs times, in turn with its peer. The table has medians of the clock and of
the most memory that the process had. Commands that change the tree get a fresh copy each time. For each row of the table
regtree's answer is compared with the peer's before anything is measured: the bench fails if they differ.
"""
import argparse, json, math, os, platform, re, shutil, statistics, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
REGTREE = os.environ["REGTREE"]
FLOOR = os.environ.get("FLOOR")
MIB = 1 << 20


def run(command):
    """Seconds and bytes of memory that a command takes. It must succeed."""
    with tempfile.NamedTemporaryFile("r") as memory:
        begin = time.monotonic()
        # The memory of a direct child would be at least that of this process.
        status = subprocess.call(["time", "-q", "-f", "%M", "-o", memory.name, *command],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        took = time.monotonic() - begin
        if status != 0:
            sys.exit(f"bench: {' '.join(command)} exited {status}")
        return took, int(memory.read()) * 1024


def answer(*command):
    """What a command prints. It must succeed."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def regtree(tree, *words):
    return [REGTREE, "--root", tree, *words]


def agree(what, ours, theirs):
    if ours != theirs:
        difference = sorted(set(ours) ^ set(theirs))[:3] if isinstance(ours, set) else (ours, theirs)
        sys.exit(f"bench: {what}: regtree and its peer differ: {difference}")


def medians(commands, runs, prepare=lambda: None):
    """The median seconds and memory of each command. They run in turn."""
    taken = [[] for _ in commands]
    for number in range(runs + 1):
        for command, results in zip(commands, taken):
            prepare()
            result = run(command)
            # The first run fills the cache.
            if number > 0:
                results.append(result)
    return [tuple(statistics.median(column) for column in zip(*results)) for results in taken]


def generate(tree, repos, **more):
    options = dict(tags=90, layers=10, shared=0.1, untagged=0.1, indexes=repos // 2, min_size=64, max_size=128) | more
    words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    answer(sys.executable, f"{HERE}/gentree.py", tree, "--repos", str(repos), *words)


def configure(tree):
    """A configuration for the registry's collector."""
    path = f"{tree}.yml"
    with open(path, "w") as file:
        file.write(f"version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {tree}\n  delete:\n    enabled: true\n")
    return path


def files(tree, name):
    found = []
    for directory, _, names in os.walk(f"{tree}/docker/registry/v2"):
        if name in names:
            found.append(f"{directory}/{name}")
    return found


def digests(paths):
    return {"sha256:" + path.split("/")[-2] for path in paths}


class Table:
    def __init__(self):
        self.rows = []

    def add(self, task, ours, peer, theirs, floor=""):
        ratio = f"{theirs[0] / ours[0]:.1f}"
        self.rows.append((task, show(*ours), f"{peer}: {show(*theirs)}", ratio, floor))
        print("#", *self.rows[-1], sep="  ", file=sys.stderr)

    def print(self):
        print("| task | regtree | beside it | times faster | floor |\n|---|---|---|---|---|")
        for row in self.rows:
            print("| " + " | ".join(row) + " |")


def show(seconds, memory):
    return f"{seconds:.2f} s, {memory / MIB:.0f} MiB" if seconds >= 0.1 else f"{seconds * 1000:.0f} ms, {memory / MIB:.0f} MiB"


def collections(table, tree, runs):
    """Collections with and without untagged manifests, planned and carried out."""
    real = f"{tree}-real"

    def copy(of=tree):
        shutil.rmtree(real, ignore_errors=True)
        subprocess.run(["cp", "-a", of, real], check=True)

    for untagged in (False, True):
        theirs_too, ours_too = (["--delete-untagged"], ["--delete-untagged"]) if untagged else ([], [])
        name = " ".join(["gc", *ours_too])
        collect = " ".join(["garbage-collect", *theirs_too])
        plan = regtree(tree, "gc", "--min-age", "0", "-n", *ours_too, "-q")
        peer = ["docker-registry", "garbage-collect", "--dry-run", *theirs_too, configure(tree)]
        would = answer(*regtree(tree, "gc", "--min-age", "0", "-n", "-v", "--json", *ours_too))
        wanted = {entry["digest"] for entry in map(json.loads, would.splitlines()) if entry.get("kind") == "blob"}
        # Some versions print a colour, and some a digest without its algorithm.
        eligible = re.findall(r"blob eligible for deletion: .*?([0-9a-f]{64})", answer(*peer))
        agree(f"{name} -n", wanted, {f"sha256:{hash}" for hash in eligible})
        floor = ""
        if FLOOR and not untagged:
            pieces = answer(FLOOR, tree).strip().splitlines()
            floor = pieces[-1].strip() if pieces else ""
        told, quiet, theirs = medians([plan[:-1], plan, peer], runs)
        table.add(f"`{name} -n`", told, f"`{collect} --dry-run`", theirs)
        table.add(f"`{name} -n -q`", quiet, f"`{collect} --dry-run`", theirs, floor)

        left = []
        commands = [regtree(real, "gc", "--min-age", "0", "-q", *ours_too)]
        commands.append(["docker-registry", "garbage-collect", *theirs_too, configure(real)])
        for command in commands:
            copy()
            run(command)
            left.append(digests(files(real, "data")))
        agree(name, *left)
        table.add(f"`{name}`, {len(wanted):,} blobs go", *paired(medians(commands, runs, copy), f"`{collect}`"))
    shutil.rmtree(real, ignore_errors=True)


def paired(results, peer):
    ours, theirs = results
    return ours, peer, theirs


def checks(table, tree, runs):
    """Checks and listings of a whole tree."""
    v2 = f"{tree}/docker/registry/v2"
    names = digests(files(tree, "data"))
    counted = json.loads(answer(*regtree(tree, "fsck", "--json")).splitlines()[-1])
    agree("fsck", counted["checked"]["blobs"], len(names))
    results = medians([regtree(tree, "fsck", "-q"), ["find", v2]], runs)
    table.add("`fsck`", *paired(results, "`find`"))

    # The root and the directories above v2 are not regtree's.
    total = json.loads(answer(*regtree(tree, "du", "--json")))["tree"]["total"]
    agree("du", total, int(answer("du", "-s", "--block-size=1", v2).split()[0]))
    table.add("`du`", *paired(medians([regtree(tree, "du"), ["du", "-s", v2]], runs), "`du -s`"))

    agree("blob list", set(answer(*regtree(tree, "blob", "list")).split()), names)
    results = medians([regtree(tree, "blob", "list"), ["find", f"{v2}/blobs", "-name", "data"]], runs)
    table.add("`blob list`", *paired(results, "`find -name data`"))

    links = [path for path in files(tree, "link") if "/_manifests/revisions/" in path]
    manifests = [f"{v2}/blobs/sha256/{path.split('/')[-2][:2]}/{path.split('/')[-2]}/data" for path in links]
    with open(f"{tree}.manifests", "w") as file:
        file.write("\0".join(manifests))
    hashed = ["xargs", "-0", "-a", f"{tree}.manifests", "sha256sum"]
    verified = json.loads(answer(*regtree(tree, "manifest", "verify", "--all", "--json")).splitlines()[-1])
    agree("manifest verify", (verified["manifests"], verified["errors"]), (len(links), 0))
    lines = [line.split() for line in answer(*hashed).splitlines()]
    agree("the hashes of manifests", {hash for hash, _ in lines}, {path.split("/")[-2] for _, path in lines})
    results = medians([regtree(tree, "manifest", "verify", "--all", "-q"), hashed], runs)
    table.add(f"`manifest verify --all`, {len(links):,} manifests", *paired(results, "`sha256sum` of each"))


def hashing(table, work, runs, size):
    """Hashing long blobs, against one openssl over the same files."""
    tree = f"{work}/long"
    answer(REGTREE, "init", tree)
    for number in range(4):
        source = f"{work}/source"
        with open(source, "wb") as file:
            for _ in range(max(size // MIB, 1)):
                file.write(os.urandom(MIB))
        answer(*regtree(tree, "blob", "put", "lib/app", source))
        os.remove(source)
    data = files(tree, "data")
    said = {"sha256:" + line.split()[-1] for line in answer("openssl", "dgst", "-sha256", *data).splitlines()}
    agree("the names of blobs", digests(data), said)
    checked = json.loads(answer(*regtree(tree, "fsck", "--content", "--json")).splitlines()[-1])
    hashed = checked["content"]
    agree("fsck --content", (hashed["blobs"], hashed["bytes"]), (len(data), sum(os.path.getsize(path) for path in data)))

    def forget():
        shutil.rmtree(f"{tree}/.regtree", ignore_errors=True)

    results = medians([regtree(tree, "fsck", "--content", "-q"), ["openssl", "dgst", "-sha256", *data]], runs, forget)
    table.add(f"`fsck --content`, 4 blobs of {max(size // MIB, 1)} MiB", *paired(results, "`openssl dgst -sha256`"))
    shutil.rmtree(tree)


COMMANDS = {
    "gc -n -q": lambda tree: regtree(tree, "gc", "--min-age", "0", "-n", "-q"),
    "fsck": lambda tree: regtree(tree, "fsck", "-q"),
    "du": lambda tree: regtree(tree, "du"),
    "registry's gc -n": lambda tree: ["docker-registry", "garbage-collect", "--dry-run", configure(tree)],
}


def growth(work, most, runs):
    """Seconds and memory of each command by the number of blobs, on trees from 1,000 blobs up to `most`."""
    points = {name: [] for name in COMMANDS}
    # A repository of these has about 1,214 blobs.
    sizes = sorted({max(most // 1214 // part, 1) for part in (100, 30, 10, 3, 1)})
    for repos in sizes:
        tree = f"{work}/growth"
        generate(tree, repos)
        blobs = len(answer(*regtree(tree, "blob", "list")).split())
        print(f"# {blobs:,} blobs", file=sys.stderr)
        results = medians([make(tree) for make in COMMANDS.values()], runs)
        for name, (seconds, memory) in zip(COMMANDS, results):
            points[name].append((blobs, seconds, memory / MIB))
            print(f"#  {name}  {show(seconds, memory)}", file=sys.stderr)
        shutil.rmtree(tree)
    return points


COLOURS = ["#0072b2", "#009e73", "#cc79a7", "#d55e00"]
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 360, 60, 150, 30, 45


def plot(path, title, unit, points, column, machine):
    """A plot with logarithmic axes. Its colours are apart for the colour-blind, and each line has its name at its end."""
    xs = [point[0] for line in points.values() for point in line]
    ys = [point[column] for line in points.values() for point in line]
    decades = lambda values: (math.floor(math.log10(min(values))), math.ceil(math.log10(max(values))))
    (x0, x1), (y0, y1) = decades(xs), decades(ys)
    across = lambda x: LEFT + (math.log10(x) - x0) / max(x1 - x0, 1) * (WIDTH - LEFT - RIGHT)
    down = lambda y: HEIGHT - BOTTOM - (math.log10(y) - y0) / max(y1 - y0, 1) * (HEIGHT - TOP - BOTTOM)
    svg = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
           f"<title>{title}</title>", f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
           f'<text x="{LEFT}" y="18" font-size="14">{title}</text>',
           f'<text x="{LEFT}" y="{HEIGHT - 8}" fill="#555">blobs in the tree; {machine}</text>']
    for power in range(x0, x1 + 1):
        x = across(10 ** power)
        svg.append(f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#ddd"/>')
        svg.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{10 ** power:,}</text>')
    for power in range(y0, y1 + 1):
        y = down(10.0 ** power)
        svg.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        svg.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{10.0 ** power:g} {unit}</text>')
    lowest = HEIGHT
    ends = sorted(((down(line[-1][column]), name) for name, line in points.items()), reverse=True)
    places = {}
    for y, name in ends:
        lowest = min(y, lowest - 14)
        places[name] = lowest
    for colour, (name, line) in zip(COLOURS, points.items()):
        way = " ".join(f"{across(point[0]):.1f},{down(point[column]):.1f}" for point in line)
        svg.append(f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="2"/>')
        svg += [f'<circle cx="{across(point[0]):.1f}" cy="{down(point[column]):.1f}" r="3" fill="{colour}"/>' for point in line]
        svg.append(f'<text x="{WIDTH - RIGHT + 8}" y="{places[name] + 4:.1f}" fill="{colour}">{name}</text>')
    with open(path, "w") as file:
        file.write("\n".join(svg) + "\n</svg>\n")


def machine():
    model = platform.processor() or platform.machine()
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return f"{model}, {os.cpu_count()} cores"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("directory", nargs="?", default="/dev/shm",
                   help="where the trees are made; a million blobs take 12 GiB and five million inodes, more than a tmpfs "
                        "has by default (mount -o remount,nr_inodes=0)")
    p.add_argument("--most", type=int, default=1_000_000, help="blobs of the largest tree of the plots; 0 makes no plots")
    p.add_argument("--repos", type=int, default=100, help="repositories of the tree of the table, with 1,214 blobs each")
    p.add_argument("--size", type=int, default=300_000_000, help="bytes of each long blob")
    p.add_argument("--runs", type=int, default=5)
    p.add_argument("--plots", default=f"{HERE}/../docs", help="where time.svg and memory.svg are written")
    a = p.parse_args()
    with tempfile.TemporaryDirectory(prefix="regtree-bench.", dir=a.directory) as work:
        system = answer("stat", "-f", "-c", "%T", work).strip()
        table, tree = Table(), f"{work}/tree"
        # Without indexes: with --delete-untagged the registry also removes the children of tagged ones.
        generate(tree, a.repos, indexes=0)
        blobs = len(answer(*regtree(tree, "blob", "list")).split())
        checks(table, tree, a.runs)
        collections(table, tree, a.runs)
        shutil.rmtree(tree)
        hashing(table, work, a.runs, a.size)
        version = answer(REGTREE, "--version").strip()
        peer = answer("docker-registry", "--version").strip().split()[-1]
        print(f"{version} and docker-registry {peer}; {machine()}; {system}, warm cache; {blobs:,} blobs; "
              f"medians of {a.runs} runs.\n")
        table.print()
        if a.most > 0:
            points = growth(work, a.most, min(a.runs, 3))
            plot(f"{a.plots}/time.svg", "Time by the size of the tree", "s", points, 1, machine())
            plot(f"{a.plots}/memory.svg", "Memory by the size of the tree", "MiB", points, 2, machine())


main()
