#define _GNU_SOURCE
#include "train/sweep_jobs.h"

#include "train/files.h"
#include "train/interrupt.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void become_job(const char *log, pid_t parent) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(130);
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0666), in = open("/dev/null", O_RDONLY);
    if (out < 0 || in < 0) _exit(3);
    dup2(in, 0);
    dup2(out, 1);
    dup2(out, 2);
    close(in);
    close(out);
}

pid_t mml_job_start(const MmlExperiment *experiment, int argc, char **argv, const MmlShare *share, const char *log) {
    pid_t parent = getpid();
    sigset_t both, before;
    sigemptyset(&both);
    sigaddset(&both, SIGINT);
    sigaddset(&both, SIGTERM);
    fflush(NULL);
    pthread_sigmask(SIG_BLOCK, &both, &before);      /* until the child has handlers of its own: with this one's it would forget them */
    pid_t child = fork();
    if (child == 0) {
        signal(SIGINT, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (child != 0) return child;
    become_job(log, parent);
    int code = mml_main_sharing(argc, argv, experiment, share);
    fflush(NULL);
    _exit(code);
}

/* A stop may be asked for just before waitpid would sleep, and the handler makes waitpid go on (SA_RESTART): so it never sleeps. */
pid_t mml_job_wait(int *code, int heed) {
    static const struct timespec moment = {0, 100000000};
    int status;
    pid_t child;
    sigset_t ended, before;
    sigemptyset(&ended);
    sigaddset(&ended, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, &ended, &before);
    while ((child = waitpid(-1, &status, WNOHANG)) == 0 && !(heed && mml_interrupted())) sigtimedwait(&ended, NULL, &moment);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (child > 0) *code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return child > 0 ? child : -1;
}

const char *mml_job_last_line(const char *log, MmlArena *arena) {
    char *bytes;
    size_t count;
    if (mml_read_file(log, &bytes, &count) != MML_OK) return "";
    while (count && bytes[count - 1] == '\n') bytes[--count] = 0;
    char *line = strrchr(bytes, '\n');
    const char *text = mml_arena_format(arena, "%s", line ? line + 1 : bytes);
    free(bytes);
    return text ? text : "";
}
