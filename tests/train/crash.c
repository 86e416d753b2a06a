/* Runs that are killed, interrupted or out of disk at every moment that matters,
 * and then resumed: the same files as a run that was never stopped.
 *
 * A moment is a compiled step (a batch of training, evaluation or probing) or
 * a call of write, fsync or rename. The last three are replaced here, so that
 * a child can be stopped inside of any of them; a write that is hit leaves the
 * first half of its bytes behind.
 */
#define _GNU_SOURCE
#include "toy.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef enum { COUNT, KILL, INTERRUPT, INTERRUPT_TWICE, FULL_DISK } Blow;

/* Shared with the children. at: the moment that is hit; 0: none. */
typedef struct { int armed; Blow blow; long at, passed, steps, writes, renames; } Moments;

static Moments *moments;

static Moments *shared_moments(void) {
    if (!moments) moments = mmap(NULL, sizeof *moments, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return moments;
}

/* 1: this is the moment. */
static int strike(long *kind) {
    if (!moments->armed) return 0;
    ++*kind;
    return ++moments->passed == moments->at;
}

static void hit(void) {
    if (moments->blow == KILL) kill(getpid(), SIGKILL);
    if (moments->blow == INTERRUPT || moments->blow == INTERRUPT_TWICE) raise(SIGINT);
    if (moments->blow == INTERRUPT_TWICE) raise(SIGINT);
}

static void on_step(void) {
    if (strike(&moments->steps)) hit();
}

/* Standard output and error are no moments. */
ssize_t write(int descriptor, const void *bytes, size_t count) {
    if (descriptor > 2 && moments && strike(&moments->writes)) {
        if (moments->blow == FULL_DISK) {
            moments->at = moments->passed + 1;          /* and it stays full */
            errno = ENOSPC;
            return -1;
        }
        if (moments->blow == KILL) syscall(SYS_write, descriptor, bytes, count / 2);
        hit();
    }
    return syscall(SYS_write, descriptor, bytes, count);
}

int fsync(int descriptor) {
    if (moments && strike(&moments->writes)) {
        if (moments->blow == FULL_DISK) {
            moments->at = moments->passed + 1;
            errno = ENOSPC;
            return -1;
        }
        hit();
    }
    return 0;                     /* a kill, unlike a power cut, loses nothing of the page cache */
}

int rename(const char *from, const char *to) {
    if (moments && strike(&moments->renames)) hit();
    return (int)syscall(SYS_rename, from, to);
}

#define RUN_OPTIONS "--root", ".", "--quiet", "--threads", "1"

static int run_with(const char *folder, Blow blow, long at, const char *mode, const char *out) {
    *shared_moments() = (Moments){.armed = 1, .blow = blow, .at = at};
    toy_step_hook = on_step;
    int code = toy_run(folder, RUN_OPTIONS, mode, out, NULL);
    moments->armed = 0;
    return code;
}

/* The arguments are looked at only when the test fails. */
#define must(good, ...) do { if (!(good)) cr_assert_fail(__VA_ARGS__); } while (0)

static int same_file(const char *folder, const char *one, const char *other, const char *name) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", one, name);
    char *a = toy_without_times(toy_read(folder, path));
    snprintf(path, sizeof path, "%s/%s", other, name);
    char *b = toy_without_times(toy_read(folder, path));
    int same = !strcmp(a, b);
    free(a);
    free(b);
    return same;
}

static int same_bytes(const char *folder, const char *one, const char *other, const char *name) {
    char command[1024];
    snprintf(command, sizeof command, "cmp -s '%s/%s/%s' '%s/%s/%s'", folder, one, name, folder, other, name);
    return system(command) == 0;
}

static void expect_equal_runs(const char *folder, const char *broken, long at) {
    static const char *const texts[] = {"metrics.jsonl", "probes.jsonl", "summary.json"};
    static const char *const weights[] = {"last.safetensors", "best.safetensors", "joint-2.safetensors"};
    for (int i = 0; i < 3; i++) must(same_file(folder, "whole", broken, texts[i]), "stopped at moment %ld: %s differs", at, texts[i]);
    for (int i = 0; i < 3; i++) must(same_bytes(folder, "whole", broken, weights[i]), "stopped at moment %ld: %s differs",
                                     at, weights[i]);
}

static void start_over(const char *folder, const char *name) {
    char command[1024];
    snprintf(command, sizeof command, "rm -rf '%s/%s'; mkdir '%s/%s'", folder, name, folder, name);
    must(system(command) == 0, "no folder %s", name);
}

/* How many moments the whole run has. */
static long whole_run(const char *folder) {
    must(run_with(folder, COUNT, 0, "--out", "whole") == 0, "the whole run fails: %s", toy_read(folder, "err"));
    must(moments->steps > 40 && moments->writes > 40 && moments->renames > 8,
         "too few moments: %ld steps, %ld writes, %ld renames", moments->steps,
         moments->writes, moments->renames);
    return moments->passed;
}

Test(crash, a_run_killed_at_any_moment_resumes_to_the_same_bytes, .timeout = 300) {
    const char *folder = toy_folder();
    long count = whole_run(folder);
    for (long at = 1; at <= count; at++) {
        start_over(folder, "broken");
        int code = run_with(folder, KILL, at, "--out", "broken");
        must(code == -SIGKILL, "moment %ld: exit %d instead of a kill: %s", at, code, toy_read(folder, "err"));
        code = run_with(folder, COUNT, 0, "--resume", "broken");
        must(code == 0, "resuming after moment %ld: exit %d: %s", at, code, toy_read(folder, "err"));
        expect_equal_runs(folder, "broken", at);
    }
    toy_remove(folder);
}

Test(crash, an_interrupted_run_saves_and_resumes_to_the_same_bytes, .timeout = 300) {
    const char *folder = toy_folder();
    long count = whole_run(folder);
    for (long at = 1; at <= count; at++) {
        start_over(folder, "broken");
        int code = run_with(folder, INTERRUPT, at, "--out", "broken");
        must(code == 130 || code == 0, "moment %ld: exit %d: %s", at, code, toy_read(folder, "err"));
        if (code == 130) {
            toy_expect_in(folder, "err", "--resume broken");
            must(run_with(folder, COUNT, 0, "--resume", "broken") == 0, "resuming after moment %ld: %s", at, toy_read(folder, "err"));
        }
        expect_equal_runs(folder, "broken", at);
    }
    toy_remove(folder);
}

/* Twice: killed, resumed, killed again while resuming. */
Test(crash, a_resumed_run_may_be_killed_again, .timeout = 300) {
    const char *folder = toy_folder();
    long count = whole_run(folder);
    for (long at = 1; at <= count; at += 7) {
        start_over(folder, "broken");
        run_with(folder, KILL, at, "--out", "broken");
        for (int again = 0; again < 4; again++) run_with(folder, KILL, 11 + 5 * again, "--resume", "broken");
        must(run_with(folder, COUNT, 0, "--resume", "broken") == 0, "resuming after moment %ld: %s", at, toy_read(folder, "err"));
        expect_equal_runs(folder, "broken", at);
    }
    toy_remove(folder);
}

Test(crash, a_disk_that_fills_up_keeps_the_last_checkpoint, .timeout = 300) {
    const char *folder = toy_folder();
    long count = whole_run(folder);
    for (long at = 1; at <= count; at += 3) {
        start_over(folder, "broken");
        int code = run_with(folder, FULL_DISK, at, "--out", "broken");
        must(code == 3 || code == 0, "moment %ld: exit %d: %s", at, code, toy_read(folder, "err"));
        if (code == 3) toy_expect_in(folder, "err", "No space left on device");
        must(run_with(folder, COUNT, 0, "--resume", "broken") == 0, "resuming after moment %ld: %s", at, toy_read(folder, "err"));
        expect_equal_runs(folder, "broken", at);
    }
    toy_remove(folder);
}

static int run_resume(const char *folder, const char *option, const char *value) {
    return toy_run(folder, RUN_OPTIONS, "--resume", "whole", option, value, NULL);
}

Test(crash, a_finished_run_resumed_prints_its_summary_and_changes_nothing) {
    const char *folder = toy_folder();
    whole_run(folder);
    must(toy_run(folder, "--out", "copy", "--root", ".", "--quiet", "--threads", "1", NULL) == 0, "the copy fails");
    char *before = toy_read(folder, "whole/metrics.jsonl"), *summary = toy_read(folder, "whole/summary.json");
    must(toy_run(folder, "--resume", "whole", NULL) == 0, "resuming fails: %s", toy_read(folder, "err"));
    toy_expect_in(folder, "out", "test accuracy (16 samples)");
    char *after = toy_read(folder, "whole/metrics.jsonl"), *summary_after = toy_read(folder, "whole/summary.json");
    cr_assert_str_eq(before, after);
    cr_assert_str_eq(summary, summary_after);
    free(before);
    free(after);
    free(summary);
    free(summary_after);
    toy_remove(folder);
}

Test(crash, resuming_with_another_call_names_the_difference) {
    const char *folder = toy_folder();
    whole_run(folder);
    must(run_resume(folder, "--seed", "9") == 2, "another seed is taken");
    toy_expect_in(folder, "err", "train.seed was 1 and is now 9");
    must(run_resume(folder, "--set", "train.joint.optimizer.lr=0.5") == 2, "another setting is taken");
    toy_expect_in(folder, "err", "train.joint.optimizer.lr was 0.1 and is now 0.5");
    must(run_resume(folder, "--epochs", "2") == 0, "the same param is refused: %s", toy_read(folder, "err"));
    must(toy_run(folder, "--root", ".", "--resume", "nowhere", NULL) == 2, "a folder that isn't there is taken");
    toy_expect_in(folder, "err", "nowhere");
    toy_remove(folder);
}

Test(crash, resuming_takes_over_what_the_first_call_gave) {
    const char *folder = toy_folder();
    must(toy_run(folder, "--root", ".", "--out", "r", "--quiet", "--epochs", "1", "--seed", "5", NULL) == 0, "the run fails");
    must(toy_run(folder, "--resume", "r", NULL) == 0, "resuming without its params fails: %s", toy_read(folder, "err"));
    toy_expect_in(folder, "out", "seed 5");
    toy_remove(folder);
}

Test(crash, resuming_with_other_data_is_refused) {
    const char *folder = toy_folder();
    char command[1024];
    whole_run(folder);
    snprintf(command, sizeof command, "cd '%s' && sed -i '2s/^./9/' a.csv", folder);
    must(system(command) == 0, "sed");
    must(toy_run(folder, "--resume", "whole", NULL) == 3, "other data are taken");
    toy_expect_in(folder, "err", "checksum");
    toy_remove(folder);
}

Test(crash, a_second_interrupt_stops_at_once) {
    const char *folder = toy_folder();
    must(run_with(folder, INTERRUPT_TWICE, 30, "--out", "r") == 130, "%s", toy_read(folder, "err"));
    toy_expect_in(folder, "err", "stopped at once");
    toy_remove(folder);
}
