#include "data/pipeline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Opening ---- */

static int shapes_agree(const MmlShape *found, const MmlShape *declared) {
    if (found->rank != declared->rank) return 0;
    for (i64 i = 0; i < found->rank; i++)
        if (declared->size[i] >= 0 && found->size[i] != declared->size[i]) return 0;
    return 1;
}

static const DataTransform *transform_at(const MmlModality *modality, i64 step) {
    return step < modality->transform_count ? mml_data_transform(modality->transforms[step].name) : NULL;
}

/* A clip's first steps pick frames, and sema has seen that `frames` is among them. */
static Status find_picks(DataPipeline *pipeline) {
    const MmlModality *modality = pipeline->modality;
    const DataField *field = pipeline->field;
    if (!field->frames) return MML_OK;
    for (const DataTransform *at; (at = transform_at(modality, pipeline->picks)) && at->pick;) pipeline->picks++;
    if (pipeline->picks == 0)
        return mml_fail(MML_EDATA, "%s: modality %s needs `frames(count)` first: %s.%s is a clip", pipeline->source->program->where,
                        modality->name, pipeline->source->program->name, field->name);
    for (int split = 0; split < MML_SPLITS; split++)
        for (i64 i = 0; i < pipeline->source->counts[split]; i++) {
            i64 frames = field->frames(pipeline->source, field, pipeline->source->rows[split][i]);
            if (frames > pipeline->most_frames) pipeline->most_frames = frames;
        }
    return MML_OK;
}

/* Samples of several sizes need a first step that brings them to one. */
static Status check_sizes(const DataPipeline *pipeline) {
    const MmlModality *modality = pipeline->modality;
    i64 step = pipeline->picks;
    const DataTransform *first = transform_at(modality, step);
    if (!pipeline->field->extent || (first && first->flags & DATA_STEP_SIZES)) return MML_OK;
    return mml_fail(MML_EDATA, "%s: modality %s : %s: %s; %s with resize(height, width) or random_resized_crop(side)",
                    first ? modality->transforms[step].where : pipeline->source->program->where, modality->name, modality->type,
                    pipeline->field->sizes, step ? "go on" : "begin");
}

static Status open_step(const DataPrepare *context, const MmlTransform *program, const MmlShape *in, const DataStep *before,
                        DataStep *step) {
    step->program = program;
    step->transform = mml_data_transform(program->name);
    if (!step->transform)
        return mml_fail(MML_EDATA, "%s: this version can't do %s", program->where, program->name);
    step->flags = step->transform->flags;
    step->in = step->out = *in;
    step->in_size = mml_data_shape_size(in);
    if (before && step->transform->flags & DATA_STEP_KEEPS) {
        step->rate = before->rate;
        step->spacing = before->spacing;
        step->lengths = before->lengths;
    }
    MML_TRY(step->transform->prepare(context, step));
    step->out_size = mml_data_shape_size(&step->out);
    return MML_OK;
}

/* Sounds of several lengths go through steps that take any, until one makes one length of them. */
static Status check_lengths(const DataPipeline *pipeline, i64 index) {
    const DataStep *step = &pipeline->steps[index], *before = index ? step - 1 : NULL;
    const MmlModality *modality = pipeline->modality;
    int last = index == pipeline->step_count - 1;
    if (before && before->lengths && (step->fitted || !(step->transform->flags & (DATA_STEP_KEEPS | DATA_STEP_SIZES))))
        return mml_data_step_fail(step, "needs sounds of one length: %s; put fit(duration) before it", before->lengths);
    if (!last || !step->lengths) return MML_OK;
    return mml_data_step_fail(step, "makes values of several lengths for modality %s : %s: %s; put fit(duration) behind mono",
                              modality->name, modality->type, step->lengths);
}

/* What a loose field is taken as. */
static MmlShape settle(const DataField *field, const MmlShape *declared) {
    const MmlShape *found = &field->shape;
    MmlShape front = { found->rank + 1, { 1 } };
    if (!field->loose || shapes_agree(found, declared)) return *found;
    if (declared->rank == 1) return (MmlShape){ 1, { field->size } };
    if (declared->rank != front.rank || declared->size[0] > 1) return *found;
    memcpy(front.size + 1, found->size, sizeof *found->size * (size_t)found->rank);
    return front;
}

/* [height, width, channels] where [channels, height, width] is declared: the axis of an archive's array that the
 * channels belong on; 0: it isn't that. */
static i64 channels_last(const MmlShape *found, const MmlShape *declared) {
    MmlShape moved = *found;
    i64 rank = found->rank;
    if ((rank != 3 && rank != 4) || declared->rank != rank) return 0;
    moved.size[rank - 3] = found->size[rank - 1];
    moved.size[rank - 2] = found->size[rank - 3];
    moved.size[rank - 1] = found->size[rank - 2];
    return shapes_agree(&moved, declared) ? rank - 2 : 0;
}

static Status check_input(const DataPipeline *pipeline, const MmlShape *found, const MmlShape *declared, const char *where,
                          MmlArena *arena) {
    const DataField *field = pipeline->field;
    if (pipeline->picks || shapes_agree(found, declared)) return MML_OK;
    i64 axis = channels_last(found, declared);
    const char *advice = axis ? mml_arena_format(arena, "; channels come first: save numpy.moveaxis(a, -1, %lld)", (long long)axis) : "";
    return mml_fail(MML_EDATA, "'%s' has samples of %s; %s takes %s.%s as %s for modality %s : %s%s", field->file,
                    mml_data_shape_text(found, arena), where, pipeline->source->program->name, field->name,
                    mml_data_shape_text(declared, arena), pipeline->modality->name, pipeline->modality->type,
                    advice ? advice : "");
}

/* Between the steps that pick frames of a clip no shape is declared. */
static Status check_output(const DataPipeline *pipeline, const DataStep *step, const MmlShape *declared, MmlArena *arena) {
    if (declared->rank == 0 || shapes_agree(&step->out, declared)) return MML_OK;
    return mml_fail(MML_EDATA, "%s: %s makes %s of '%s'; %s is needed for modality %s : %s", step->program->where,
                    step->program->name, mml_data_shape_text(&step->out, arena), pipeline->field->file,
                    mml_data_shape_text(declared, arena), pipeline->modality->name, pipeline->modality->type);
}

static i64 larger(i64 a, i64 b) { return a > b ? a : b; }

Status mml_data_pipeline_open(const MmlSettings *settings, const MmlModality *modality, const DataSource *source,
                              i64 first_step, MmlArena *arena, DataPipeline *out) {
    i64 count = modality->transform_count;
    *out = (DataPipeline){ .modality = modality, .source = source, .step_count = count };
    out->field = mml_data_source_field(source, modality->field);
    if (!out->field || (!out->field->read && !out->field->read_frame))
        return mml_fail(MML_EDATA, "%s: %s.%s is no input that modality %s can read", source->program->where,
                        source->program->name, modality->field, modality->name);
    MML_TRY(find_picks(out));
    MML_TRY(check_sizes(out));
    out->steps = MML_NEW(arena, DataStep, count + 1);
    if (!out->steps) return MML_ENOMEM;
    const MmlShape *declared = count ? &modality->transforms[0].in : &modality->shape;
    const MmlShape found = settle(out->field, declared), *shape = &found;
    out->widest = out->field->size;
    MML_TRY(check_input(out, shape, declared, count ? modality->transforms[0].where : source->program->where, arena));
    DataPrepare context = { settings, modality, source, out->field, NULL, arena, out->field->extent != NULL };
    for (i64 i = 0; i < count; i++) {
        DataStep *step = &out->steps[i];
        step->number = first_step + i;
        MML_TRY(open_step(&context, &modality->transforms[i], shape, context.before, step));
        MML_TRY(check_lengths(out, i));
        context.before = step;
        if (i >= out->picks) context.varies = 0;
        else if (step->out.rank == 4) out->most_frames = larger(out->most_frames, step->out.size[0]);
        MML_TRY(check_output(out, step, &modality->transforms[i].out, arena));
        if (i == count - 1) MML_TRY(check_output(out, step, &modality->shape, arena));
        shape = &step->out;
        out->widest = larger(out->widest, step->out_size);
        out->scratch = larger(out->scratch, step->scratch);
    }
    if (mml_data_shape_size(shape) != modality->size)
        return mml_fail(MML_EBUG, "modality %s: %lld values in a sample of %s", modality->name, (long long)modality->size,
                        mml_data_shape_text(shape, arena));
    return MML_OK;
}

i64 mml_data_pipeline_prefix(const DataPipeline *pipeline) {
    i64 steps = 0;
    int costly = 0;
    for (; steps < pipeline->step_count; steps++) {
        const DataStep *step = &pipeline->steps[steps];
        if (step->flags & DATA_STEP_RANDOM || step->fitted) break;
        costly |= (step->flags & DATA_STEP_COSTLY) != 0;
    }
    return costly && steps > pipeline->picks ? steps : 0;        /* picked frames are kept by the source, as bytes */
}

Status mml_data_pipeline_keep(DataPipeline *pipeline, i64 *room) {
    i64 steps = mml_data_pipeline_prefix(pipeline);
    if (steps == 0 || pipeline->prepared.bytes) return MML_OK;
    i64 size = pipeline->steps[steps - 1].out_size, samples = 0, bytes = 0;
    for (int split = 0; split < MML_SPLITS; split++) samples += pipeline->source->counts[split];
    if (__builtin_mul_overflow(samples, size * (i64)sizeof(float), &bytes) || bytes > *room) return MML_OK;
    for (int split = 0; split < MML_SPLITS; split++) {
        DataKept *kept = &pipeline->kept[split];
        size_t count = (size_t)pipeline->source->counts[split] + 1;
        kept->values = malloc(sizeof(float) * count * (size_t)size);
        kept->filled = calloc(count, sizeof *kept->filled);
        if (!kept->values || !kept->filled)
            return mml_fail(MML_ENOMEM, "no memory to keep %lld samples of modality %s", (long long)samples,
                            pipeline->modality->name);
    }
    pipeline->kept_steps = steps;
    pipeline->kept_size = size;
    *room -= bytes;
    return MML_OK;
}

void mml_data_pipeline_close(DataPipeline *pipeline) {
    for (int split = 0; split < MML_SPLITS; split++) {
        free(pipeline->kept[split].values);
        free(pipeline->kept[split].filled);
    }
    mml_store_close(&pipeline->prepared);
}

/* ---- Running ---- */

i64 mml_data_pipeline_scratch(const DataPipeline *pipeline) {
    return 2 * pipeline->widest + pipeline->scratch + 2 * pipeline->most_frames;
}

/* Steps first … last - 1 (at least one) from in to out, through two buffers in turn. */
static void run_steps(const DataPipeline *pipeline, i64 first, i64 last, const DataDraw *draw, const float *in, float *out,
                      float *scratch) {
    float *buffers[2] = { scratch, scratch + pipeline->widest }, *work = scratch + 2 * pipeline->widest;
    DataDraw seen = *draw;
    for (i64 i = first; i < last; i++, seen.height = seen.width = 0, seen.pixels = NULL, seen.sound = NULL) {
        const DataStep *step = &pipeline->steps[i];
        const DataTransform *transform = step->transform;
        float *to = i == last - 1 ? out : buffers[i % 2];
        transform->apply(step, &seen, in, to, work);
        if (transform->length) seen.length = transform->length(step, &seen);
        else if (!(transform->flags & DATA_STEP_KEEPS)) seen.length = 0;
        in = to;
    }
}

/* The frames of a clip that the picking steps leave, one behind the other. */
static void read_picked(const DataPipeline *pipeline, const DataDraw *draw, float *out, float *scratch) {
    const DataField *field = pipeline->field;
    i32 *numbers = (i32 *)(scratch + 2 * pipeline->widest + pipeline->scratch), *others = numbers + pipeline->most_frames;
    i64 count = field->frames(draw->source, field, draw->row), size = field->size;
    for (i64 i = 0; i < count; i++) numbers[i] = (i32)i;
    for (i64 i = 0; i < pipeline->picks; i++) {
        const DataStep *step = &pipeline->steps[i];
        count = step->transform->pick(step, draw, numbers, count, others);
        i32 *swap = numbers;
        numbers = others;
        others = swap;
    }
    if (draw->height) size = field->shape.size[0] * draw->height * draw->width;
    for (i64 i = 0; i < count; i++) field->read_frame(draw->source, field, draw->row, numbers[i], out + i * size);
}

static void run_from_source(const DataPipeline *pipeline, i64 steps, const DataDraw *draw, float *out, float *scratch) {
    DataDraw sized = *draw;
    if (pipeline->field->extent)
        pipeline->field->extent(draw->source, pipeline->field, draw->row, &sized.height, &sized.width);
    if (pipeline->field->sound) sized.sound = pipeline->field->sound(draw->source, pipeline->field, draw->row);
    if (pipeline->picks && steps <= pipeline->picks) {
        read_picked(pipeline, &sized, out, scratch);
        return;
    }
    if (pipeline->picks) {
        /* As below: not into the buffer that the first step behind them writes to. */
        float *frames = pipeline->picks % 2 ? scratch : scratch + pipeline->widest;
        read_picked(pipeline, &sized, frames, scratch);
        run_steps(pipeline, pipeline->picks, steps, &sized, frames, out, scratch);
        return;
    }
    if (steps == 0) {
        pipeline->field->read(draw->source, pipeline->field, draw->row, out);
        return;
    }
    if (pipeline->field->pixels && pipeline->steps[0].flags & DATA_STEP_PIXELS) {
        u8 *own;
        sized.pixels = pipeline->field->pixels(draw->source, pipeline->field, draw->row, &own);
        if (sized.pixels) run_steps(pipeline, 0, steps, &sized, NULL, out, scratch);
        free(own);
        if (sized.pixels) return;
    }
    /* Step 0 writes to buffer 0, so what it reads goes into buffer 1. */
    float *raw = scratch + pipeline->widest;
    pipeline->field->read(draw->source, pipeline->field, draw->row, raw);
    run_steps(pipeline, 0, steps, &sized, raw, out, scratch);
}

/* The kept value of a sample, computed first when nobody has; NULL while
 * another thread is at it. */
static const float *kept_value(const DataPipeline *pipeline, i64 position, const DataDraw *draw, float *scratch) {
    const DataKept *kept = &pipeline->kept[draw->split];
    if (kept->places) return (const float *)pipeline->prepared.bytes + kept->places[position] * pipeline->kept_size;
    float *value = kept->values + position * pipeline->kept_size;
    u8 state = atomic_load_explicit(&kept->filled[position], memory_order_acquire);
    if (state == 2) return value;
    if (state == 1 || !atomic_compare_exchange_strong(&kept->filled[position], &state, 1)) return NULL;
    run_from_source(pipeline, pipeline->kept_steps, draw, value, scratch);
    atomic_store_explicit(&kept->filled[position], 2, memory_order_release);
    return value;
}

void mml_data_pipeline_run(const DataPipeline *pipeline, i64 steps, i64 position, DataDraw draw, float *out,
                           float *scratch) {
    draw.source = pipeline->source;
    draw.row = pipeline->source->rows[draw.split][position];
    const float *kept = NULL;
    if (pipeline->kept_steps && steps >= pipeline->kept_steps) kept = kept_value(pipeline, position, &draw, scratch);
    if (!kept) run_from_source(pipeline, steps, &draw, out, scratch);
    else if (steps > pipeline->kept_steps) run_steps(pipeline, pipeline->kept_steps, steps, &draw, kept, out, scratch);
    else memcpy(out, kept, sizeof *out * (size_t)pipeline->kept_size);
}

int mml_data_finite(const float *values, i64 count) {
    u32 largest = 0;
    for (i64 i = 0; i < count; i++) {
        u32 bits;
        memcpy(&bits, &values[i], sizeof bits);
        bits &= 0x7fffffffu;
        largest = bits > largest ? bits : largest;
    }
    return largest < 0x7f800000u;
}

Status mml_data_pipeline_explain(const DataPipeline *pipeline, i64 position, DataDraw draw, float *scratch) {
    i64 row = pipeline->source->rows[draw.split][position], steps = larger(1, pipeline->picks);
    if (pipeline->step_count == 0)
        return mml_fail(MML_EDATA, "modality %s: '%s' can't be read any more", pipeline->modality->name,
                        pipeline->source->place(pipeline->source, row));
    float *value = calloc((size_t)pipeline->widest, sizeof *value);          /* a sound may be shorter than the longest */
    if (!value) return mml_fail(MML_ENOMEM, "no memory to look at sample %lld", (long long)row);
    for (;; steps++) {
        mml_data_pipeline_run(pipeline, steps, position, draw, value, scratch);
        if (steps >= pipeline->step_count || !mml_data_finite(value, pipeline->steps[steps - 1].out_size)) break;
    }
    const DataStep *step = &pipeline->steps[steps - 1];
    float culprit = NAN;
    for (i64 i = 0; i < step->out_size; i++)
        if (!isfinite(value[i])) {
            culprit = value[i];
            break;
        }
    free(value);
    return mml_fail(MML_EDATA, "%s: %s gives %g for a sample of modality %s (%s)", step->program->where,
                    step->program->name, (double)culprit, pipeline->modality->name,
                    pipeline->source->place(pipeline->source, row));
}
