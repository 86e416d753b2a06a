#include "train/folder.h"

#include "train/checkpoint.h"
#include "train/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

/* What logs, run.json and summary.json may come to, beside the checkpoints. */
#define LOG_ROOM ((i64)1 << 20)

const char *mml_folder_path(MmlRun *run, const char *name) {
    return mml_arena_format(run->arena, "%s/%s", run->folder, name);
}

const char *mml_folder_fresh(MmlArena *arena, const char *before, const char *after) {
    char date[32];
    time_t now = time(NULL);
    struct tm local;
    localtime_r(&now, &local);
    strftime(date, sizeof date, "%Y%m%d-%H%M%S", &local);
    const char *base = mml_arena_format(arena, "runs/%s-%s%s", before, date, after), *name = base;
    for (int i = 2; name && mml_exists(name); i++) name = mml_arena_format(arena, "%s-%d", base, i);
    return name;
}

/* runs/NAME-<date>-<seed> */
static const char *default_folder(MmlRun *run) {
    char seed[32];
    snprintf(seed, sizeof seed, "-%lld", (long long)mml_int(&run->settings, "train.seed"));
    return mml_folder_fresh(run->arena, run->experiment->name, seed);
}

static Status refuse_other_run(MmlRun *run) {
    static const char *const traces[] = {"run.json", "last.safetensors", "summary.json"};
    for (size_t i = 0; i < sizeof traces / sizeof *traces; i++) {
        const char *path = mml_folder_path(run, traces[i]);
        if (!path) return MML_ENOMEM;
        if (mml_exists(path))
            return mml_fail(MML_ECALL,
                            "--out: %s holds a run already (%s): go on with it by --resume %s, or choose another folder", run->folder, traces[i], run->folder);
    }
    return MML_OK;
}

Status mml_folder_choose(MmlRun *run) {
    run->folder = run->call.resume ? run->call.resume : run->call.out ? run->call.out : default_folder(run);
    if (!run->folder) return MML_ENOMEM;
    if (!run->call.resume) MML_TRY(refuse_other_run(run));
    return mml_folder_writable(run->folder);
}

static Status lock(MmlRun *run) {
    run->folder_lock = open(run->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (run->folder_lock < 0) return mml_fail(MML_EIO, "cannot open the folder %s: %s", run->folder, strerror(errno));
    /* A file system without locks (ENOLCK, EOPNOTSUPP) goes without. */
    if (flock(run->folder_lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return mml_fail(MML_ECALL, "another trainer is at work in %s: wait for it, or choose another folder", run->folder);
    return MML_OK;
}

/* last, best, the one that is being written, and what `save` keeps, less what lies there already. */
static i64 room_needed(MmlRun *run) {
    i64 checkpoint = mml_checkpoint_size(run), saved = 0, present = 0;
    static const char *const there[] = {"last.safetensors", "best.safetensors"};
    for (i64 i = 0; i < run->experiment->stage_count; i++) saved += run->stages[i].save_count;
    for (int i = 0; i < 2; i++) {
        const char *path = mml_folder_path(run, there[i]);
        if (path) present += mml_file_size(path);
    }
    i64 needed = (3 + saved) * checkpoint - present;
    return (needed > 0 ? needed : 0) + LOG_ROOM;
}

Status mml_folder_open(MmlRun *run) {
    MML_TRY(mml_folder_make(run->folder, &run->folder_created));
    Status status = lock(run);
    if (status == MML_OK) status = mml_folder_reserve(run->folder, room_needed(run));
    if (status != MML_OK) mml_folder_abandon(run);
    return status;
}

void mml_folder_abandon(MmlRun *run) {
    mml_folder_release(run);
    if (run->folder_created) rmdir(run->folder);
}

void mml_folder_release(MmlRun *run) {
    if (run->folder_lock >= 0) close(run->folder_lock);
    run->folder_lock = -1;
}
