#include "train/weights.h"

#include "train/tensor_list.h"

#include <string.h>

static i64 group_of(const MmlExperiment *experiment, const char *name) {
    for (i64 i = 0; i < experiment->parameter_count; i++)
        if (!strcmp(experiment->parameters[i].name, name)) return experiment->parameters[i].group;
    for (i64 i = 0; i < experiment->statistic_count; i++)
        if (!strcmp(experiment->statistics[i].name, name)) return experiment->statistics[i].group;
    return -1;
}

static int ends_with(const char *text, const char *ending) {
    size_t length = strlen(text), size = strlen(ending);
    return length >= size && !strcmp(text + length - size, ending);
}

/* Tensors that a file may hold beside the weights. */
static int is_beside(const char *name) {
    return !strncmp(name, "mml.", 4) || !strncmp(name, "data.", 5) || !strncmp(name, "modality.", 9) || ends_with(name,
            ".num_batches_tracked");
}

static const MmlTensor *find_in(const MmlTensorList *list, const char *name) {
    for (i64 i = 0; i < list->count; i++)
        if (!strcmp(list->tensors[i].name, name)) return &list->tensors[i];
    return NULL;
}

static Status report_unknown(const MmlSafetensors *file, const MmlTensorList *list, int strict, MmlMatch *match, MmlScreen *report) {
    for (i64 i = 0; i < mml_safetensors_count(file); i++) {
        const MmlTensor *there = mml_safetensors_at(file, i);
        char shape[160];
        if (is_beside(there->name) || find_in(list, there->name)) continue;
        mml_tensor_shape_text(there, shape);
        if (strict) return mml_fail(MML_EDATA, "%s is of another model: its tensor '%s' %s has no place here",
                                    mml_safetensors_path(file), there->name, shape);
        match->unknown++;
        if (report) mml_screen_line(report, "         %s %s: not in this model, left out", there->name, shape);
    }
    return MML_OK;
}

static Status load_matching(MmlRun *run, const MmlSafetensors *file, const MmlTensorList *list, int strict, i64 group,
                            MmlMatch *match, MmlScreen *report) {
    for (i64 i = 0; i < list->count; i++) {
        const MmlTensor *here = &list->tensors[i], *there = mml_safetensors_find(file, here->name);
        if (group >= 0 && group_of(run->experiment, here->name) != group) continue;
        if (there && mml_same_shape(here, there)) {
            MML_TRY(mml_safetensors_read(file, there, here->data));
            match->matched++;
            continue;
        }
        if (strict) return mml_tensor_differs(file, here);
        char ours[160], theirs[160];
        mml_tensor_shape_text(here, ours);
        if (there) match->different++;
        else match->missing++;
        if (report) mml_screen_line(report, "         %s %s: %s%s, stays as initialised", here->name, ours,
                                    there ? "in the file it is " : "not in the file",
                                    there ? mml_tensor_shape_text(there, theirs) : "");
    }
    return group < 0 ? report_unknown(file, list, strict, match, report) : MML_OK;
}

/* Strict loading looks at every tensor before the first is read, so that a file of another model changes nothing. */
static Status check_strictly(const MmlRun *run, const MmlSafetensors *file, const MmlTensorList *list, i64 group) {
    for (i64 i = 0; i < list->count; i++) {
        const MmlTensor *here = &list->tensors[i], *there = mml_safetensors_find(file, here->name);
        if (group >= 0 && group_of(run->experiment, here->name) != group) continue;
        if (!there || !mml_same_shape(here, there)) return mml_tensor_differs(file, here);
    }
    return MML_OK;
}

Status mml_weights_read(MmlRun *run, const char *path, int strict, i64 group, MmlMatch *match, MmlScreen *report) {
    MmlSafetensors *file;
    *match = (MmlMatch){0};
    MML_TRY(mml_safetensors_open(path, &file));
    MmlArena *arena = mml_arena_new();
    Status status = arena ? MML_OK : MML_ENOMEM;
    if (status == MML_OK) {
        MmlTensorList list = {.arena = arena};
        mml_list_parameters(&list, run);
        status = list.status;
        if (status == MML_OK && strict) status = check_strictly(run, file, &list, group);
        if (status == MML_OK) status = load_matching(run, file, &list, strict, group, match, report);
    }
    mml_arena_free(arena);
    mml_safetensors_close(file);
    return status;
}

/* What a model's name has in front of a name of the file, NULL when none fits so. */
static const char *prefix_of(const MmlTensorList *list, const MmlSafetensors *file, const MmlRun *run, i64 group) {
    for (i64 i = 0; i < list->count; i++) {
        const MmlTensor *here = &list->tensors[i];
        if (group >= 0 && group_of(run->experiment, here->name) != group) continue;
        for (const char *dot = strchr(here->name, '.'); dot; dot = strchr(dot + 1, '.')) {
            const MmlTensor *there = mml_safetensors_find(file, dot + 1);
            if (there && mml_same_shape(here, there))
                return mml_arena_format(list->arena, "%.*s", (int)(dot + 1 - here->name), here->name);
        }
    }
    return NULL;
}

Status mml_weights_none(MmlRun *run, const char *what, const char *path, i64 group) {
    MmlSafetensors *file;
    MML_TRY(mml_safetensors_open(path, &file));
    MmlArena *arena = mml_arena_new();
    MmlTensorList list = {.arena = arena, .status = arena ? MML_OK : MML_ENOMEM};
    if (arena) mml_list_parameters(&list, run);
    Status status = list.status;
    if (status == MML_OK) {
        const char *prefix = prefix_of(&list, file, run, group);
        int whole = group < 0 || group >= run->experiment->modality_count;
        status = mml_fail(MML_EDATA, "%s: no tensor of %s has a name and a shape of %s%s%s%s%s", what, path,
                          whole ? "this model" : "modality ", whole ? "" : run->experiment->modalities[group].name,
                          prefix ? "; they would fit with '" : "", prefix ? prefix : "", prefix ? "' in front of their names" : "");
    }
    mml_arena_free(arena);
    mml_safetensors_close(file);
    return status;
}

static Status read_clusters(MmlRun *run, const MmlSafetensors *file) {
    MmlArena *arena = mml_arena_new();
    MmlTensorList list = {.arena = arena, .status = arena ? MML_OK : MML_ENOMEM};
    if (arena) mml_list_clusters(&list, run);
    Status status = list.status;
    for (i64 i = 0; i < list.count && status == MML_OK; i++) {
        const MmlTensor *there = mml_safetensors_find(file, list.tensors[i].name);
        if (there && mml_same_shape(&list.tensors[i], there)) status = mml_safetensors_read(file, there, list.tensors[i].data);
    }
    mml_arena_free(arena);
    return status;
}

Status mml_fitted_read(MmlRun *run, const char *path) {
    MmlSafetensors *file;
    const char *name;
    float *values;
    i64 count;
    MML_TRY(mml_safetensors_open(path, &file));
    Status status = MML_OK;
    for (i64 i = 0; status == MML_OK && mml_data_fitted(run->data, i, &name, &values, &count); i++) {
        const MmlTensor *there = mml_safetensors_find(file, name);
        if (there && there->dtype == MML_DTYPE_F32 && there->count == count) status = mml_safetensors_read(file, there, values);
    }
    if (status == MML_OK) status = read_clusters(run, file);
    mml_safetensors_close(file);
    return status;
}
