#include "train/checkpoint.h"

#include "train/tensor_list.h"

#include <stdio.h>
#include <string.h>

/* ---- Writing ---- */

Status mml_checkpoint_write(MmlRun *run, const char *path) {
    MmlArena *arena = mml_arena_new();
    if (!arena) return MML_ENOMEM;
    MmlTensorList list = mml_list_all(run, arena, 1);
    Status status = list.status;
    if (status == MML_OK) status = mml_safetensors_write(path, list.tensors, list.count, list.metadata, list.metadata_count);
    mml_arena_free(arena);
    return status;
}

Status mml_weights_write(MmlRun *run, const char *path) {
    MmlArena *arena = mml_arena_new();
    if (!arena) return MML_ENOMEM;
    MmlTensorList list = mml_list_weights(run, arena, 1);
    MmlMetadata metadata[] = {{"format", MML_CHECKPOINT_FORMAT}, {"experiment", run->experiment->name},
                              {"hash", run->experiment->hash}};
    Status status = list.status;
    if (status == MML_OK) status = mml_safetensors_write(path, list.tensors, list.count, metadata, 3);
    mml_arena_free(arena);
    return status;
}

i64 mml_checkpoint_size(MmlRun *run) {
    MmlArena *arena = mml_arena_new();
    if (!arena) return 0;
    MmlTensorList list = mml_list_all(run, arena, 1);
    i64 size = mml_safetensors_size(list.tensors, list.count, list.metadata, list.metadata_count);
    mml_arena_free(arena);
    return size;
}

/* ---- Reading ---- */

static Status read_all(const MmlSafetensors *file, const MmlTensorList *list) {
    for (i64 i = 0; i < list->count; i++) {
        const MmlTensor *here = &list->tensors[i], *there = mml_safetensors_find(file, here->name);
        if (!there || !mml_same_shape(here, there)) return mml_tensor_differs(file, here);
        MML_TRY(mml_safetensors_read(file, there, here->data));
    }
    return MML_OK;
}

typedef struct { const MmlSafetensors *file; MmlArena *arena; Status status; } TextSource;

static void get_state_text(MmlTensorList *list, const char *key, const char **text, void *context) {
    TextSource *source = context;
    const char *value = key ? mml_safetensors_metadata(source->file, key) : NULL;
    *text = mml_arena_format(source->arena, "%s", value ? value : "");
    if (!key || !*text) source->status = MML_ENOMEM;
}

static Status copy_text(MmlArena *arena, const char *value, const char **out) {
    *out = value ? mml_arena_format(arena, "%s", value) : NULL;
    return value && !*out ? MML_ENOMEM : MML_OK;
}

static Status read_texts(MmlRun *run, const MmlSafetensors *file, MmlTensorList *list) {
    MML_TRY(copy_text(run->arena, mml_safetensors_metadata(file, "reason"), &run->state.at.reason));
    for (i64 i = 0; i < run->experiment->stage_count; i++) {
        char key[32];
        snprintf(key, sizeof key, "reason.%lld", (long long)i);
        MML_TRY(copy_text(run->arena, mml_safetensors_metadata(file, key), &run->state.stage_reasons[i]));
    }
    TextSource source = {.file = file, .arena = run->arena};
    mml_each_state_text(list, run, get_state_text, &source);
    return source.status;
}

static Status check_program(const MmlRun *run, const MmlSafetensors *file) {
    const char *format = mml_safetensors_metadata(file, "format"), *hash = mml_safetensors_metadata(file, "hash");
    if (!format || strcmp(format, MML_CHECKPOINT_FORMAT)) return mml_fail(MML_EDATA,
            "%s is no checkpoint of this version (%s)", mml_safetensors_path(file), MML_CHECKPOINT_FORMAT);
    if (hash && !strcmp(hash, run->experiment->hash)) return MML_OK;
    return mml_fail(MML_EDATA, "%s was written by another program (hash %s, this one has %s)", mml_safetensors_path(file),
                    hash ? hash : "none", run->experiment->hash);
}

Status mml_checkpoint_read(MmlRun *run, const char *path) {
    MmlSafetensors *file;
    MML_TRY(mml_safetensors_open(path, &file));
    MmlArena *arena = mml_arena_new();
    Status status = arena ? check_program(run, file) : MML_ENOMEM;
    if (status == MML_OK) {
        MmlTensorList list = mml_list_all(run, arena, 0);
        status = list.status == MML_OK ? read_all(file, &list) : list.status;
        if (status == MML_OK) status = read_texts(run, file, &list);
    }
    mml_arena_free(arena);
    mml_safetensors_close(file);
    return status;
}
