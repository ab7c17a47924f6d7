// kill_at NUMBER NTH PROGRAM [ARGUMENT...]: runs PROGRAM, and kills it before its NTH call of the system call NUMBER,
// counted over all of its threads and children. Ends as PROGRAM does.
//
// strace can do that too, but stops the program at every call of whatever kind: a filter stops it at those that count.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what) {
    perror(what);
    exit(125);
}

static void start(unsigned number, char **program) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof code / sizeof *code, code};
    if (ptrace(PTRACE_TRACEME, 0, 0, 0)) fail("PTRACE_TRACEME");
    // The parent says what it wants to be told, before anything counts.
    raise(SIGSTOP);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) fail("PR_SET_NO_NEW_PRIVS");
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter)) fail("PR_SET_SECCOMP");
    execvp(*program, program);
    fail(*program);
}

int main(int count, char **words) {
    if (count < 4) return 125;
    unsigned number = strtoul(words[1], NULL, 10);
    unsigned long left = strtoul(words[2], NULL, 10);
    pid_t child = fork();
    if (child < 0) fail("fork");
    if (child == 0) start(number, words + 3);
    int status;
    if (waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status)) fail("waitpid");
    long wanted = PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEEXEC | PTRACE_O_TRACECLONE |
                  PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK;
    if (ptrace(PTRACE_SETOPTIONS, child, 0, wanted)) fail("PTRACE_SETOPTIONS");
    if (ptrace(PTRACE_CONT, child, 0, 0)) fail("PTRACE_CONT");
    for (;;) {
        pid_t who = waitpid(-1, &status, __WALL);
        if (who < 0) fail("waitpid");
        if (!WIFSTOPPED(status)) {
            if (who != child) continue;
            if (WIFEXITED(status)) return WEXITSTATUS(status);
            signal(WTERMSIG(status), SIG_DFL);
            raise(WTERMSIG(status));
            return 125;
        }
        int event = status >> 16, given = 0;
        if (event == PTRACE_EVENT_SECCOMP && --left == 0) kill(child, SIGKILL);
        // A new thread begins by a stop of its own.
        if (event == 0 && WSTOPSIG(status) != SIGSTOP) given = WSTOPSIG(status);
        // Who was killed meanwhile is gone.
        if (ptrace(PTRACE_CONT, who, 0, given) && errno != ESRCH) fail("PTRACE_CONT");
    }
}
