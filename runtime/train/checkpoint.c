#include "train/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT "mml-checkpoint/1"

/* ---- The list of tensors ---- */

typedef struct {
    MmlArena    *arena;
    int          writing;
    MmlTensor   *tensors;
    i64          count, room;
    MmlMetadata *metadata;
    i64          metadata_count;
    Status       status;
} List;

static void add(List *list, const char *name, MmlDtype dtype, int rank, const i64 *size, i64 count, void *data) {
    if (!name) list->status = MML_ENOMEM;
    if (list->status != MML_OK || !count) return;
    if (list->count == list->room) {
        i64 room = list->room ? 2 * list->room : 128;
        MmlTensor *larger = MML_NEW(list->arena, MmlTensor, room);
        if (!larger) {
            list->status = MML_ENOMEM;
            return;
        }
        if (list->count) memcpy(larger, list->tensors, sizeof *larger * (size_t)list->count);
        list->tensors = larger;
        list->room = room;
    }
    MmlTensor *tensor = &list->tensors[list->count++];
    *tensor = (MmlTensor){.name = name, .dtype = dtype, .rank = rank, .count = count, .data = data};
    for (int i = 0; i < rank; i++) tensor->size[i] = size[i];
}

static void add_vector(List *list, const char *name, MmlDtype dtype, i64 count, void *data) {
    add(list, name, dtype, 1, &count, count, data);
}

static void add_weights(List *list, MmlRun *run) {
    const MmlExperiment *experiment = run->experiment;
    for (i64 i = 0; i < experiment->parameter_count; i++) {
        const MmlParameter *p = &experiment->parameters[i];
        add(list, p->name, MML_DTYPE_F32, (int)p->shape.rank, p->shape.size, p->count, run->model.parameters + p->offset);
    }
    for (i64 i = 0; i < experiment->statistic_count; i++) {
        const MmlStatistic *s = &experiment->statistics[i];
        add_vector(list, s->name, MML_DTYPE_F32, s->count, run->model.statistics + s->offset);
    }
}

/* PyTorch keeps a counter beside each pair of running statistics. */
static void add_tracked(List *list, MmlRun *run) {
    static const char mean[] = ".running_mean";
    for (i64 i = 0; i < run->experiment->statistic_count; i++) {
        const MmlStatistic *s = &run->experiment->statistics[i];
        size_t length = strlen(s->name), ending = sizeof mean - 1;
        if (length <= ending || strcmp(s->name + length - ending, mean)) continue;
        const char *name = mml_arena_format(list->arena, "%.*s.num_batches_tracked", (int)(length - ending), s->name);
        add(list, name, MML_DTYPE_I64, 0, NULL, 1, &run->model.tracked[s->group]);
    }
}

static void add_fitted(List *list, MmlRun *run) {
    const char *name;
    float *values;
    i64 count;
    for (i64 i = 0; mml_data_fitted(run->data, i, &name, &values, &count); i++) add_vector(list, name, MML_DTYPE_F32, count, values);
}

static void add_optimizer(List *list, MmlRun *run) {
    const MmlExperiment *experiment = run->experiment;
    MmlModel *model = &run->model;
    add_vector(list, "mml.optimizer.first", MML_DTYPE_F32, experiment->parameter_floats, model->first);
    if (model->second) add_vector(list, "mml.optimizer.second", MML_DTYPE_F32, experiment->parameter_floats, model->second);
    add_vector(list, "mml.optimizer.updates", MML_DTYPE_I64, experiment->parameter_count, model->updates);
    add_vector(list, "mml.tracked", MML_DTYPE_I64, experiment->modality_count + 1, model->tracked);
}

static int is_text(const MmlState *state) { return state->type == MML_STRING || state->type == MML_PATH; }

/* Words of a rule: integers and doubles as they lie in memory. A text is a
 * pointer, different in every process: when writing, zero stands in its place. */
static void add_rule(List *list, MmlRun *run, const MmlStage *stage, const char *role, const MmlRule *rule, MmlValue *values) {
    if (!rule || !rule->state_count) return;
    MmlValue *words = values;
    if (list->writing) {
        words = MML_NEW(list->arena, MmlValue, rule->state_count);
        if (!words) {
            list->status = MML_ENOMEM;
            return;
        }
        memcpy(words, values, sizeof *words * (size_t)rule->state_count);
        for (i64 s = 0; s < rule->named_count; s++) {
            const MmlState *state = &rule->states[s];
            i64 width = state->each ? run->experiment->modality_count : 1;
            for (i64 w = 0; is_text(state) && w < width; w++) words[state->slot + w].i = 0;
        }
    }
    add_vector(list, mml_arena_format(list->arena, "mml.%s.%s", stage->name, role), MML_DTYPE_I64, rule->state_count, words);
}

static void add_rules(List *list, MmlRun *run) {
    for (i64 i = 0; i < run->experiment->stage_count; i++) {
        const MmlStage *stage = &run->experiment->stages[i];
        add_rule(list, run, stage, "policy", stage->policy, run->state.stages[i].policy);
        add_rule(list, run, stage, "method", stage->method, run->state.stages[i].method);
    }
}

static void add_state(List *list, MmlRun *run) {
    MmlStateField fields[MML_STATE_FIELDS];
    i64 count = mml_state_fields(&run->state, run->experiment, fields);
    for (i64 i = 0; i < count; i++)
        add_vector(list, mml_arena_format(list->arena, "mml.state.%s", fields[i].name), fields[i].real ? MML_DTYPE_F64 : MML_DTYPE_I64, fields[i].count, fields[i].place);
}

/* ---- Texts ---- */

static void add_text(List *list, const char *key, const char *value) {
    if (!key) list->status = MML_ENOMEM;
    else if (value) list->metadata[list->metadata_count++] = (MmlMetadata){key, value};
}

typedef void (*TextVisitor)(List *list, const char *key, const char **text, void *context);

/* Every text in the states: a pointer in memory, so it is kept by its words. */
static void each_state_text(List *list, MmlRun *run, TextVisitor visit, void *context) {
    for (i64 i = 0; i < run->experiment->stage_count; i++) {
        const MmlStage *stage = &run->experiment->stages[i];
        MmlStageState *state = &run->state.stages[i];
        const MmlRule *rules[] = {stage->policy, stage->method};
        MmlValue *values[] = {state->policy, state->method};
        for (int r = 0; r < 2; r++)
            for (i64 s = 0; rules[r] && s < rules[r]->named_count; s++) {
                const MmlState *named = &rules[r]->states[s];
                i64 width = named->each ? run->experiment->modality_count : 1;
                for (i64 w = 0; is_text(named) && w < width; w++)
                    visit(list, mml_arena_format(list->arena, "%s.%s.%s.%lld", stage->name, r ? "method" : "policy", named->name, (long long)w),
                          &values[r][named->slot + w].s, context);
            }
    }
}

static void put_state_text(List *list, const char *key, const char **text, void *context) { add_text(list, key, *text); }

static void count_state_text(List *list, const char *key, const char **text, void *context) { ++*(i64 *)context; }

static void add_texts(List *list, MmlRun *run) {
    i64 stages = run->experiment->stage_count, texts = 0;
    each_state_text(list, run, count_state_text, &texts);
    list->metadata = MML_NEW(list->arena, MmlMetadata, stages + texts + 8);
    if (!list->metadata) {
        list->status = MML_ENOMEM;
        return;
    }
    add_text(list, "format", FORMAT);
    add_text(list, "experiment", run->experiment->name);
    add_text(list, "hash", run->experiment->hash);
    add_text(list, "reason", run->state.at.reason);
    for (i64 i = 0; i < stages; i++) add_text(list, mml_arena_format(list->arena, "reason.%lld", (long long)i), run->state.stage_reasons[i]);
    each_state_text(list, run, put_state_text, NULL);
}

/* ---- Writing ---- */

static List list_weights(MmlRun *run, MmlArena *arena, int writing) {
    List list = {.arena = arena, .writing = writing};
    add_weights(&list, run);
    add_tracked(&list, run);
    add_fitted(&list, run);
    return list;
}

static List list_all(MmlRun *run, MmlArena *arena, int writing) {
    List list = list_weights(run, arena, writing);
    add_optimizer(&list, run);
    add_rules(&list, run);
    add_state(&list, run);
    add_texts(&list, run);
    return list;
}

Status mml_checkpoint_write(MmlRun *run, const char *path) {
    MmlArena *arena = mml_arena_new();
    if (!arena) return MML_ENOMEM;
    List list = list_all(run, arena, 1);
    Status status = list.status;
    if (status == MML_OK) status = mml_safetensors_write(path, list.tensors, list.count, list.metadata, list.metadata_count);
    mml_arena_free(arena);
    return status;
}

Status mml_weights_write(MmlRun *run, const char *path) {
    MmlArena *arena = mml_arena_new();
    if (!arena) return MML_ENOMEM;
    List list = list_weights(run, arena, 1);
    MmlMetadata metadata[] = {{"format", FORMAT}, {"experiment", run->experiment->name}, {"hash", run->experiment->hash}};
    Status status = list.status;
    if (status == MML_OK) status = mml_safetensors_write(path, list.tensors, list.count, metadata, 3);
    mml_arena_free(arena);
    return status;
}

i64 mml_checkpoint_size(MmlRun *run) {
    MmlArena *arena = mml_arena_new();
    if (!arena) return 0;
    List list = list_all(run, arena, 1);
    i64 size = mml_safetensors_size(list.tensors, list.count, list.metadata, list.metadata_count);
    mml_arena_free(arena);
    return size;
}

/* ---- Reading a checkpoint ---- */

static int same_shape(const MmlTensor *a, const MmlTensor *b) {
    if (a->dtype != b->dtype || a->rank != b->rank) return 0;
    for (int i = 0; i < a->rank; i++)
        if (a->size[i] != b->size[i]) return 0;
    return 1;
}

static Status different(const MmlSafetensors *file, const MmlTensor *here) {
    const MmlTensor *there = mml_safetensors_find(file, here->name);
    char ours[160], theirs[160];
    mml_tensor_shape_text(here, ours);
    if (!there) return mml_fail(MML_EDATA, "%s is of another model: it has no tensor '%s' %s", mml_safetensors_path(file), here->name, ours);
    return mml_fail(MML_EDATA, "%s is of another model: its tensor '%s' is %s, here it is %s", mml_safetensors_path(file), here->name,
                    mml_tensor_shape_text(there, theirs), ours);
}

static Status read_all(const MmlSafetensors *file, const List *list) {
    for (i64 i = 0; i < list->count; i++) {
        const MmlTensor *here = &list->tensors[i], *there = mml_safetensors_find(file, here->name);
        if (!there || !same_shape(here, there)) return different(file, here);
        MML_TRY(mml_safetensors_read(file, there, here->data));
    }
    return MML_OK;
}

typedef struct { const MmlSafetensors *file; MmlArena *arena; Status status; } TextSource;

static void get_state_text(List *list, const char *key, const char **text, void *context) {
    TextSource *source = context;
    const char *value = key ? mml_safetensors_metadata(source->file, key) : NULL;
    *text = mml_arena_format(source->arena, "%s", value ? value : "");
    if (!key || !*text) source->status = MML_ENOMEM;
}

static Status copy_text(MmlArena *arena, const char *value, const char **out) {
    *out = value ? mml_arena_format(arena, "%s", value) : NULL;
    return value && !*out ? MML_ENOMEM : MML_OK;
}

static Status read_texts(MmlRun *run, const MmlSafetensors *file, List *list) {
    MML_TRY(copy_text(run->arena, mml_safetensors_metadata(file, "reason"), &run->state.at.reason));
    for (i64 i = 0; i < run->experiment->stage_count; i++) {
        char key[32];
        snprintf(key, sizeof key, "reason.%lld", (long long)i);
        MML_TRY(copy_text(run->arena, mml_safetensors_metadata(file, key), &run->state.stage_reasons[i]));
    }
    TextSource source = {.file = file, .arena = run->arena};
    each_state_text(list, run, get_state_text, &source);
    return source.status;
}

static Status check_program(const MmlRun *run, const MmlSafetensors *file) {
    const char *format = mml_safetensors_metadata(file, "format"), *hash = mml_safetensors_metadata(file, "hash");
    if (!format || strcmp(format, FORMAT)) return mml_fail(MML_EDATA, "%s is no checkpoint of this version (%s)", mml_safetensors_path(file), FORMAT);
    if (hash && !strcmp(hash, run->experiment->hash)) return MML_OK;
    return mml_fail(MML_EDATA, "%s was written by another program (hash %s, this one has %s)", mml_safetensors_path(file), hash ? hash : "none", run->experiment->hash);
}

Status mml_checkpoint_read(MmlRun *run, const char *path) {
    MmlSafetensors *file;
    MML_TRY(mml_safetensors_open(path, &file));
    MmlArena *arena = mml_arena_new();
    Status status = arena ? check_program(run, file) : MML_ENOMEM;
    if (status == MML_OK) {
        List list = list_all(run, arena, 0);
        status = list.status == MML_OK ? read_all(file, &list) : list.status;
        if (status == MML_OK) status = read_texts(run, file, &list);
    }
    mml_arena_free(arena);
    mml_safetensors_close(file);
    return status;
}

/* ---- Reading weights ---- */

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
    return !strncmp(name, "mml.", 4) || !strncmp(name, "data.", 5) || !strncmp(name, "modality.", 9) || ends_with(name, ".num_batches_tracked");
}

static const MmlTensor *find_in(const List *list, const char *name) {
    for (i64 i = 0; i < list->count; i++)
        if (!strcmp(list->tensors[i].name, name)) return &list->tensors[i];
    return NULL;
}

static Status report_unknown(const MmlSafetensors *file, const List *list, int strict, MmlMatch *match, MmlScreen *report) {
    for (i64 i = 0; i < mml_safetensors_count(file); i++) {
        const MmlTensor *there = mml_safetensors_at(file, i);
        char shape[160];
        if (is_beside(there->name) || find_in(list, there->name)) continue;
        mml_tensor_shape_text(there, shape);
        if (strict) return mml_fail(MML_EDATA, "%s is of another model: its tensor '%s' %s has no place here", mml_safetensors_path(file), there->name, shape);
        match->unknown++;
        if (report) mml_screen_line(report, "         %s %s: not in this model, left out", there->name, shape);
    }
    return MML_OK;
}

static Status load_matching(MmlRun *run, const MmlSafetensors *file, const List *list, int strict, i64 group, MmlMatch *match, MmlScreen *report) {
    for (i64 i = 0; i < list->count; i++) {
        const MmlTensor *here = &list->tensors[i], *there = mml_safetensors_find(file, here->name);
        if (group >= 0 && group_of(run->experiment, here->name) != group) continue;
        if (there && same_shape(here, there)) {
            MML_TRY(mml_safetensors_read(file, there, here->data));
            match->matched++;
            continue;
        }
        if (strict) return different(file, here);
        char ours[160], theirs[160];
        mml_tensor_shape_text(here, ours);
        if (there) match->different++;
        else match->missing++;
        if (report) mml_screen_line(report, "         %s %s: %s%s, stays as initialised", here->name, ours, there ? "in the file it is " : "not in the file",
                                    there ? mml_tensor_shape_text(there, theirs) : "");
    }
    return group < 0 ? report_unknown(file, list, strict, match, report) : MML_OK;
}

/* Strict loading looks at every tensor before the first is read, so that a file of another model changes nothing. */
static Status check_strictly(const MmlRun *run, const MmlSafetensors *file, const List *list, i64 group) {
    for (i64 i = 0; i < list->count; i++) {
        const MmlTensor *here = &list->tensors[i], *there = mml_safetensors_find(file, here->name);
        if (group >= 0 && group_of(run->experiment, here->name) != group) continue;
        if (!there || !same_shape(here, there)) return different(file, here);
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
        List list = {.arena = arena};
        add_weights(&list, run);
        status = list.status;
        if (status == MML_OK && strict) status = check_strictly(run, file, &list, group);
        if (status == MML_OK) status = load_matching(run, file, &list, strict, group, match, report);
    }
    mml_arena_free(arena);
    mml_safetensors_close(file);
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
    mml_safetensors_close(file);
    return status;
}
