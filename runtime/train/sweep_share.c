#include "train/sweep_share.h"

#include "train/stage.h"
#include "train/stage_settings.h"

#include <stdlib.h>
#include <string.h>

#define MOST_EPOCHS 100000             /* of a stage that is gone through for every cell before the sweep begins */

/* A prefix's first stage, as its policy will have it. */
typedef struct {
    i64         cell;
    int         known;                           /* 0: it depends on what is trained          */
    const char *key;                             /* settings that reach the training          */
    i64         modalities, limit, epochs;       /* limit: epochs at most                     */
    char       *active;                          /* [limit * modalities]                      */
    i64         last[MML_MAX_MODALITIES];        /* last epoch with the modality; 0: none     */
    i64         total;                           /* epochs trained, over the modalities       */
} Course;

/* ---- The stage's loop without training ---- */

typedef struct { Course *course; const MmlStageState *state; } Rehearsal;

static Status no_measure(void *context, i64 measurement, i64 epoch, MmlProbe *out) {
    ((Rehearsal *)context)->course->known = 0;
    return MML_EINTERRUPT;
}

static Status ignore_decision(void *context, i64 measurement, i64 epoch, const MmlRule *rule, const MmlRuleLog *log) { return MML_OK; }

static Status note_epoch(void *context, i64 epoch, MmlEpoch *out) {
    Rehearsal *rehearsal = context;
    Course *course = rehearsal->course;
    for (i64 m = 0; m < course->modalities; m++) {
        if (!rehearsal->state->active[m]) continue;
        course->active[(epoch - 1) * course->modalities + m] = 1;
        course->last[m] = epoch;
        course->total++;
    }
    course->epochs = epoch;
    return MML_OK;
}

static Status no_result(void *context, i64 epoch, MmlEpoch *out) { return MML_OK; }
static Status no_save(void *context) { return MML_OK; }

/* A `requires` that fails is the cell's own to tell. */
static Status rehearse(const MmlStageSettings *stage, const MmlSettings *own, Course *course) {
    MmlMeasureTime *times = MML_NEW(own->arena, MmlMeasureTime, stage->stage->measurement_count);
    MmlRuleLog log = {.arena = own->arena, .modalities = own->experiment->modalities};
    MmlStageState state;
    if (!times) return MML_ENOMEM;
    for (i64 i = 0; i < stage->stage->measurement_count; i++)
        times[i] = (MmlMeasureTime){stage->measures[i].every, stage->measures[i].after, stage->measures[i].untrained};
    MmlStagePlan plan = {.stage = stage->stage, .modalities = course->modalities, .epochs = stage->epochs, .times = times,
                         .settings = own->values, .text = own->text, .arena = own->arena, .log = &log};
    Rehearsal rehearsal = {course, &state};
    const MmlStageActions actions = {.context = &rehearsal, .measure = no_measure, .decided = ignore_decision, .train = note_epoch,
                                     .evaluate = no_result, .save = no_save};
    MML_TRY(mml_stage_state_new(&plan, &state));
    course->known = 1;
    Status status = mml_stage_begin(&plan, &state, &actions);
    if (status == MML_OK) status = mml_stage_run(&plan, &state, &actions);
    if (status == MML_ENOMEM) return status;
    course->known &= status == MML_OK;
    return MML_OK;
}

/* ---- What can be taken over ---- */

/* Nothing but its own training may move a modality, and there has to be a stage that goes on. */
static int is_separable(const MmlExperiment *experiment, const MmlStageSettings *stages) {
    const MmlStageSettings *first = &stages[0];
    const MmlRule *policy = first->stage->policy;
    return first->stage->kind == MML_STAGE_UNIMODAL && !(policy && policy->on_end_epoch) && !first->zero_gradient && !first->batchnorm_moves
           && !first->save_count && experiment->stage_count > 1 && stages[1].epochs > 0;
}

static int reads(const MmlStep *step, const MmlExperiment *experiment, const MmlSetting *setting) {
    for (i64 m = 0; step && m < (setting->each ? experiment->modality_count : 1); m++)
        if (step->reads[setting->slot + m]) return 1;
    return 0;
}

static int starts_with(const char *path, const char *stage, const char *property) {
    size_t length = strlen(stage), word = strlen(property);
    return !strncmp(path, stage, length) && path[length] == '.' && !strncmp(path + length + 1, property, word)
           && (!path[length + 1 + word] || path[length + 1 + word] == '.');
}

static int reaches_training(const MmlExperiment *experiment, const MmlSetting *setting) {
    const MmlStage *first = &experiment->stages[0];
    const MmlStep *steps[] = {first->train, first->evaluate, first->reference_train, first->reference_evaluate};
    if (mml_reaches_later_stages_only(experiment, setting->path)) return 0;
    if (starts_with(setting->path, first->path, "policy") || starts_with(setting->path, first->path, "epochs")) return 0;
    if (!(setting->flags & MML_SETTING_PARAM)) return 1;
    for (int i = 0; i < 4; i++)
        if (reads(steps[i], experiment, setting)) return 1;
    return 0;
}

static Status training_key(const MmlSettings *own, const char **out) {
    const MmlExperiment *experiment = own->experiment;
    const char *key = "";
    for (i64 i = 0; key && i < experiment->setting_count; i++)
        if (reaches_training(experiment, &experiment->settings[i]))
            key = mml_arena_format(own->arena, "%s|%s", key, mml_setting_text(own, &experiment->settings[i], own->arena));
    *out = key;
    return key ? MML_OK : MML_ENOMEM;
}

static Status course_of(const MmlGrid *grid, const MmlSettings *settings, i64 cell, MmlArena *arena, Course *out) {
    MmlSettings own, borrowed = *settings;
    MmlStageSettings *stages;
    borrowed.arena = arena;
    *out = (Course){.cell = cell, .modalities = grid->experiment->modality_count};
    MML_TRY(mml_grid_settings(grid, &borrowed, cell, &own));
    MML_TRY(mml_stage_settings_read(&own, &stages));
    if (!is_separable(grid->experiment, stages)) return MML_OK;
    out->limit = stages[0].epochs;
    if (out->limit > MOST_EPOCHS) return MML_OK;
    out->active = mml_arena_alloc(arena, (size_t)(out->limit * out->modalities + 1));
    if (!out->active) return MML_ENOMEM;
    MML_TRY(training_key(&own, &out->key));
    return rehearse(&stages[0], &own, out);
}

/* Every modality's epochs are the beginning of the trunk's? */
static int covers(const Course *trunk, const Course *c) {
    if (strcmp(trunk->key, c->key)) return 0;
    for (i64 m = 0; m < c->modalities; m++) {
        if (c->last[m] > trunk->epochs) return 0;
        for (i64 e = 0; e < c->last[m]; e++)
            if (trunk->active[e * c->modalities + m] != c->active[e * c->modalities + m]) return 0;
    }
    return 1;
}

static int longer(const void *a, const void *b) {
    const Course *x = a, *y = b;
    if (x->total != y->total) return x->total < y->total ? 1 : -1;
    return (x->cell > y->cell) - (x->cell < y->cell);
}

static Status take_from(const MmlSettings *settings, MmlGrid *grid, const Course *trunk, const Course *course) {
    MmlCell *from = &grid->cells[trunk->cell];
    if (!from->keep) from->keep = mml_arena_alloc(settings->arena, (size_t)trunk->limit + 1);
    if (!from->keep) return MML_ENOMEM;
    grid->cells[course->cell].trunk = trunk->cell;
    for (i64 m = 0; m < course->modalities; m++)
        if (course->last[m]) from->keep[course->last[m]] = 1;
    return MML_OK;
}

/* From the longest on: each has the first trunk that covers it, or becomes one. */
static Status assign(const MmlSettings *settings, MmlGrid *grid, Course *courses, i64 count) {
    qsort(courses, (size_t)count, sizeof *courses, longer);
    for (i64 c = count - 1; c >= 0 && !courses[c].total; c--) grid->cells[courses[c].cell].idle = 1;
    for (i64 c = 0; c < count && courses[c].total; c++)
        for (i64 t = 0; t < c; t++) {
            if (grid->cells[courses[t].cell].trunk >= 0 || !covers(&courses[t], &courses[c])) continue;
            MML_TRY(take_from(settings, grid, &courses[t], &courses[c]));
            break;
        }
    return MML_OK;
}

Status mml_sweep_share(const MmlSettings *settings, MmlGrid *grid) {
    MmlArena *arena = mml_arena_new();
    Course *courses = arena ? MML_NEW(arena, Course, grid->cell_count) : NULL;
    Status status = courses ? MML_OK : MML_ENOMEM;
    i64 count = 0;
    for (i64 c = 0; status == MML_OK && c < grid->cell_count; c++) {
        if (grid->cells[c].prefix != c) continue;
        status = course_of(grid, settings, c, arena, &courses[count]);
        if (courses[count].known) count++;
    }
    if (status == MML_OK) status = assign(settings, grid, courses, count);
    mml_arena_free(arena);
    return status;
}
