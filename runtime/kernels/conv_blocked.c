/* conv_blocked and conv_batchnorm_blocked of abi.def for one instruction
 * set: what is packed where, and who computes what.
 *
 * packed, forward:  bias and scale by blocks, then the weights of the grid, or of Winograd.
 * packed, backward: transforms of Winograd's gradient of the weights;
 * afterwards the weights of backward-data. Nothing in it outlives the call.
 */
#include <math.h>

#include "kernels/conv_backward_weights.h"
#include "kernels/conv_direct.h"
#include "kernels/first_layer.h"
#include "kernels/winograd_data.h"
#include "kernels/winograd_weights.h"
#include "mml/nn.h"

#define MAX_CLASSES (MML_CONV_BLOCKED_STRIDE * MML_CONV_BLOCKED_STRIDE)

typedef struct {
    MmlFrame     *frame;
    float *const *operand;
    Convolution   c;
    const float  *source;             /* x, or dy: what the taps meet                   */
    float        *out;                /* y, or dx                                       */
    const float  *weights;            /* OIHW */
    Epilogue      epilogue;           /* of out                                         */
    bool          sets_weights;       /* their gradient is overwritten                  */
    float        *packed;
    Grid          grids[MAX_CLASSES];
    WeightPlace   places[MAX_CLASSES];
    int           count;              /* of grids                                       */
    i64           panels;
    Streams       streams;
    Winograd      winograd;
    WeightTiles   pairs;
    i64           first, tiles;       /* of Winograd's round */
} Job;

/* ---- Sources: x or dy as they lie, or copied with the border that the taps need ---- */

/* A blocked image's copy with another halo. */
static void copy_image(const Blocked *from, const float *x, const Blocked *to, float *copy) {
    for (i64 block = 0; block < to->blocks; block++, x += from->plane, copy += to->plane) {
        for (i64 y = 0; y < to->height; y++)
            memcpy(copy + pixel_of(to, y, 0), x + pixel_of(from, y, 0), (size_t)(to->width * MML_BLOCK) * sizeof *copy);
        clear_halo(to, copy);
    }
}

static void copy_plain(const Convolution *c, const float *x, float *copy) {
    i64 width = c->x.width + 2 * c->pad, height = c->x.height + 2 * c->pad;
    memset(copy, 0, (size_t)(c->x.channels * height * width) * sizeof *copy);
    for (i64 channel = 0; channel < c->x.channels; channel++)
        for (i64 y = 0; y < c->x.height; y++)
            memcpy(copy + (channel * height + y + c->pad) * width + c->pad, x + (channel * c->x.height + y) * c->x.width,
                   (size_t)c->x.width * sizeof *copy);
}

INLINE bool copies_x(const Convolution *c) { return c->plain || c->x.halo < c->pad; }

/* x as the taps of forward and of the weights' gradient see it. */
static Blocked source_of(const Convolution *c) {
    return c->x.halo < c->pad ? blocked(c->x.channels, c->x.height, c->x.width, c->pad) : c->x;
}

static void copy_x(const Convolution *c, const float *x, float *copy) {
    if (c->plain) {
        copy_plain(c, x, copy);
        return;
    }
    Blocked source = source_of(c);
    copy_image(&c->x, x, &source, copy);
}

INLINE i64 floats_of_x(const Convolution *c) {
    return c->plain ? c->x.channels * c->x.height * c->x.width : c->x.image;
}

/* ---- Grids ---- */

static void forward_grid(Job *job) {
    const Convolution *c = &job->c;
    Grid *g = &job->grids[0];
    Blocked source = source_of(c);
    i64 taps = c->kernel_height * c->kernel_width;
    *g = (Grid){
        .rows = c->y.height, .columns = c->y.width, .tap_rows = c->kernel_height, .tap_columns = c->kernel_width,
        .out_start = pixel_of(&c->y, 0, 0), .out_step_row = c->y.row, .out_step_column = MML_BLOCK,
        .out_block = c->y.plane, .out_image = c->y.image, .out_blocks = c->y.blocks, .weights = job->packed,
        .epilogue = job->epilogue,
    };
    if (c->plain) {
        i64 width = c->x.width + 2 * c->pad;
        g->in_step_row = c->stride * width;
        g->in_step_column = c->stride;
        g->tap_row = width;
        g->tap_column = 1;
        g->in_block = (c->x.height + 2 * c->pad) * width;
        g->in_image = c->x.channels * g->in_block;
        g->in_blocks = c->x.channels;
        g->depth = 1;
    } else {
        g->in_start = pixel_of(&source, -c->pad, -c->pad);
        g->in_step_row = c->stride * source.row;
        g->in_step_column = c->stride * MML_BLOCK;
        g->tap_row = source.row;
        g->tap_column = MML_BLOCK;
        g->in_block = source.plane;
        g->in_image = source.image;
        g->in_blocks = source.blocks;
        g->depth = MML_BLOCK;
    }
    job->places[0] = (WeightPlace){c->y.channels, c->x.channels * taps, c->x.channels, taps, 0, c->kernel_width, 1};
    job->count = 1;
    job->panels = panels_of(c->y.blocks);
}

/* What the taps of backward-data need around dy (kernels.def has the same rule for the compiler). */
static i64 halo_of_gradient(const Convolution *c) {
    i64 s = c->stride;
    i64 low = larger(c->kernel_height, c->kernel_width) - 1 - c->pad;
    i64 high = larger((c->x.height - 1 + c->pad) / s - c->y.height, (c->x.width - 1 + c->pad) / s - c->y.width) + 1;
    return larger(larger(low > 0 ? (low + s - 1) / s : 0, high), 0);
}

static Blocked gradient_source(const Convolution *c) {
    i64 halo = halo_of_gradient(c);
    return c->y.halo < halo ? blocked(c->y.channels, c->y.height, c->y.width, halo) : c->y;
}

/* The pixels of dx by their class modulo the stride. */
static void backward_grids(Job *job) {
    const Convolution *c = &job->c;
    const Blocked *x = &c->x;
    Blocked dy = gradient_source(c);
    i64 s = c->stride, taps = c->kernel_height * c->kernel_width;
    float *weights = job->packed;
    job->count = 0;
    for (i64 row = 0; row < s; row++)
        for (i64 column = 0; column < s; column++) {
            i64 first_row = (row + c->pad) % s, first_column = (column + c->pad) % s;
            Grid *g = &job->grids[job->count];
            *g = (Grid){
                .rows = (x->height - row + s - 1) / s, .columns = (x->width - column + s - 1) / s,
                .tap_rows = larger(0, (c->kernel_height - first_row + s - 1) / s),
                .tap_columns = larger(0, (c->kernel_width - first_column + s - 1) / s),
                .in_start = pixel_of(&dy, (row + c->pad - first_row) / s, (column + c->pad - first_column) / s),
                .in_step_row = dy.row, .in_step_column = MML_BLOCK, .tap_row = -dy.row, .tap_column = -MML_BLOCK,
                .in_block = dy.plane, .in_image = dy.image, .in_blocks = dy.blocks, .depth = MML_BLOCK,
                .out_start = pixel_of(x, row, column), .out_step_row = s * x->row, .out_step_column = s * MML_BLOCK,
                .out_block = x->plane, .out_image = x->image, .out_blocks = x->blocks, .weights = weights,
            };
            if (g->tap_rows == 0 || g->tap_columns == 0) g->tap_rows = g->tap_columns = 0;
            if (c->plain) {
                g->out_start = row * x->width + column;
                g->out_step_row = s * x->width;
                g->out_step_column = s;
                g->out_block = x->height * x->width;
            }
            g->epilogue = job->epilogue;
            job->places[job->count++] = (WeightPlace){
                c->x.channels, taps, c->y.channels, c->x.channels * taps,
                first_row * c->kernel_width + first_column, s * c->kernel_width, s,
            };
            weights += c->plain ? packed_first_layer(g, c->x.channels) : packed_floats(g);
        }
    job->panels = c->plain ? 1 : panels_of(x->blocks);
}

static void pack_panels(void *context, i64 begin, i64 end, int thread) {
    Job *job = context;
    for (int i = 0; i < job->count; i++)
        MML_NAME(pack_weights)(&job->grids[i], &job->places[i], job->weights, (float *)job->grids[i].weights, begin, end);
}

static void pack_first(Job *job) {
    for (int i = 0; i < job->count; i++)
        MML_NAME(pack_first_layer)(&job->grids[i], &job->places[i], job->weights, (float *)job->grids[i].weights);
}

/* ---- Items are images times panels: whole images where a part has them ---- */

typedef void Rectangle(const Job *job, i64 image, i64 images, i64 begin, i64 end, float *scratch);

static void over_rectangles(const Job *job, i64 begin, i64 end, float *scratch, Rectangle *run) {
    i64 panels = job->panels;
    for (i64 item = begin; item < end;) {
        i64 image = item / panels, panel = item % panels;
        if (panel == 0 && end - item >= panels) {
            i64 images = (end - item) / panels;
            run(job, image, images, 0, panels, scratch);
            item += images * panels;
        } else {
            i64 stop = smaller(end - image * panels, panels);
            run(job, image, 1, panel, stop, scratch);
            item = image * panels + stop;
        }
    }
}

static void clear_halos(const Blocked *b, float *y, i64 images, i64 begin, i64 end) {
    for (i64 image = 0; image < images; image++)
        for (i64 block = begin * PANEL; block < smaller(end * PANEL, b->blocks); block++)
            clear_halo(b, y + image * b->image + block * b->plane);
}

static void forward_rectangle(const Job *job, i64 image, i64 images, i64 begin, i64 end, float *scratch) {
    const Convolution *c = &job->c;
    const float *x = job->source + image * floats_of_x(c);
    float *y = job->out + image * c->y.image;
    if (!copies_x(c)) MML_NAME(conv_grid)(&job->grids[0], x, y, images, begin, end);
    else
        for (i64 i = 0; i < images; i++) {
            copy_x(c, x + i * floats_of_x(c), scratch);
            MML_NAME(conv_grid)(&job->grids[0], scratch, y + i * c->y.image, 1, begin, end);
        }
    clear_halos(&c->y, y, images, begin, end);
}

static void forward_items(void *context, i64 begin, i64 end, int thread) {
    const Job *job = context;
    over_rectangles(job, begin, end, (float *)job->frame->scratch[thread], forward_rectangle);
}

/* ---- Winograd ---- */

INLINE bool is_winograd(const Convolution *c) {
    return c->algorithm == MML_CONV_WINOGRAD && c->kernel_height == 3 && c->kernel_width == 3 && c->stride == 1 && !c->plain;
}

INLINE bool forward_by_winograd(const Convolution *c) { return is_winograd(c) && !copies_x(c); }

INLINE bool data_by_winograd(const Convolution *c) { return is_winograd(c) && c->pad <= 2 && c->y.halo >= 2 - c->pad; }

static void transform_panels(void *context, i64 begin, i64 end, int thread) {
    const Job *job = context;
    MML_NAME(winograd_weights)(&job->winograd, begin, end);
}

static void tile_items(void *context, i64 begin, i64 end, int thread) {
    const Job *job = context;
    MML_NAME(winograd_tiles)(&job->winograd, begin, end, (float *)job->frame->scratch[thread]);
}

static void source_items(void *context, i64 begin, i64 end, int thread) {
    const Job *job = context;
    MML_NAME(winograd_sources)(&job->winograd, job->first, job->tiles, begin, end);
}

static void panel_items(void *context, i64 begin, i64 end, int thread) {
    const Job *job = context;
    MML_NAME(winograd_panels)(&job->winograd, job->first, job->tiles, begin, end, (float *)job->frame->scratch[thread]);
}

static void halo_items(void *context, i64 begin, i64 end, int thread) {
    const Job *job = context;
    const Blocked *out = &job->winograd.t.out;
    clear_halos(out, job->winograd.out + begin * out->image, end - begin, 0, panels_of(out->blocks));
}

static void run_winograd(Job *job) {
    const Tiling *t = &job->winograd.t;
    MmlThreads *threads = job->frame->threads;
    i64 tiles = job->frame->batch * t->rows * t->columns, panels = panels_of(t->out.blocks);
    if (MML_WINOGRAD_BY_PANELS(t->source.blocks * t->out.blocks * MML_BLOCK * MML_BLOCK))
        for (job->first = 0; job->first < tiles; job->first += job->tiles) {
            job->tiles = smaller(MML_WINOGRAD_ROUND_TILES, tiles - job->first);
            mml_parallel(threads, job->tiles, source_items, job);
            mml_parallel(threads, panels, panel_items, job);
        }
    else {
        mml_parallel(threads, panels, transform_panels, job);
        mml_parallel(threads, tiles, tile_items, job);
    }
    if (t->out.halo > 0) mml_parallel(threads, job->frame->batch, halo_items, job);
}

static void forward_winograd(Job *job) {
    const Convolution *c = &job->c;
    job->winograd = (Winograd){
        .t = tiling_of(c->x, c->y, c->pad), .place = {c->y.channels, c->x.channels * 9, c->x.channels, 9, 0, 3, 1},
        .w = job->weights, .epilogue = job->epilogue, .source = job->source, .out = job->out, .packed = job->packed,
    };
    run_winograd(job);
}

/* The weights flipped, input and output channels exchanged. */
static void backward_winograd(Job *job) {
    const Convolution *c = &job->c;
    job->winograd = (Winograd){
        .t = tiling_of(c->y, c->x, 2 - c->pad), .place = {c->x.channels, 9, c->y.channels, c->x.channels * 9, 8, -3, -1},
        .w = job->weights, .epilogue = job->epilogue, .source = job->source, .out = job->out, .packed = job->packed,
    };
    run_winograd(job);
}

/* Channels beyond the last are zero: so are their weights. */
static void pack_channels(const Convolution *c, const float *from, float *to) {
    for (i64 i = 0; i < c->y.blocks * MML_BLOCK; i++) to[i] = from && i < c->y.channels ? from[i] : 0.0f;
}

static void run_forward(Job *job) {
    if (forward_by_winograd(&job->c)) {
        forward_winograd(job);
        return;
    }
    forward_grid(job);
    mml_parallel(job->frame->threads, job->panels, pack_panels, job);
    mml_parallel(job->frame->threads, job->frame->batch * job->panels, forward_items, job);
}

void MML_NAME(conv_blocked_forward)(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Job job = {.frame = frame, .c = convolution_of(attr), .source = operand[0], .weights = operand[1], .out = operand[3]};
    float *bias = operand[4];
    job.packed = bias + 2 * job.c.y.blocks * MML_BLOCK;
    job.epilogue = (Epilogue){.finish = attr[15].i ? FINISH_RELU : FINISH_PLAIN, .bias = bias, .out = job.out};
    pack_channels(&job.c, operand[2], bias);
    run_forward(&job);
}

/* gamma (conv + b - mean) / sqrt(variance + eps) + beta */
static void pack_normalised(const Convolution *c, double eps, float *const *operand, float *bias, float *scale) {
    const float *b = operand[3], *gamma = operand[4], *beta = operand[5], *mean = operand[6], *variance = operand[7];
    pack_channels(c, NULL, bias);
    pack_channels(c, NULL, scale);
    for (i64 i = 0; i < c->y.channels; i++) {
        double factor = (double)gamma[i] / sqrt((double)variance[i] + eps);
        scale[i] = (float)factor;
        bias[i]  = (float)((double)beta[i] + ((b ? (double)b[i] : 0.0) - (double)mean[i]) * factor);
    }
}

void MML_NAME(conv_batchnorm_blocked_forward)(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Job job = {.frame = frame, .c = convolution_of(attr), .source = operand[0], .weights = operand[2], .out = operand[8]};
    float *bias = operand[9], *scale = bias + job.c.y.blocks * MML_BLOCK;
    job.packed = scale + job.c.y.blocks * MML_BLOCK;
    job.epilogue = (Epilogue){.finish = FINISH_NORMALISED, .relu = attr[15].i != 0, .bias = bias, .scale = scale, .out = job.out, .beside = operand[1]};
    pack_normalised(&job.c, attr[18].r, operand, bias, scale);
    run_forward(&job);
}

/* ---- Backward-data ---- */

static void run_classes(const Job *job, const float *dy, float *dx, i64 images, i64 begin, i64 end) {
    for (int i = 0; i < job->count; i++) {
        if (job->c.plain) MML_NAME(first_layer)(&job->grids[i], job->c.x.channels, dy, dx);
        else MML_NAME(conv_grid)(&job->grids[i], dy, dx, images, begin, end);
    }
}

static void backward_rectangle(const Job *job, i64 image, i64 images, i64 begin, i64 end, float *scratch) {
    const Convolution *c = &job->c;
    Blocked source = gradient_source(c);
    const float *dy = job->source + image * c->y.image;
    float *dx = job->out + image * floats_of_x(c);
    bool copied = source.halo != c->y.halo;
    if (!c->plain && !copied) run_classes(job, dy, dx, images, begin, end);
    else
        for (i64 i = 0; i < images; i++) {
            const float *from = dy + i * c->y.image;
            if (copied) {
                copy_image(&c->y, from, &source, scratch);
                from = scratch;
            }
            run_classes(job, from, dx + i * floats_of_x(c), 1, begin, end);
        }
    if (!c->plain) clear_halos(&c->x, dx, images, begin, end);
}

static void backward_items(void *context, i64 begin, i64 end, int thread) {
    const Job *job = context;
    over_rectangles(job, begin, end, (float *)job->frame->scratch[thread], backward_rectangle);
}

/* ---- Gradients of weights and bias ---- */

static void streams_of(Job *job) {
    const Convolution *c = &job->c;
    const Grid *g = &job->grids[0];          /* forward's: the same taps of the same x */
    job->streams = (Streams){
        .rows = c->y.height, .columns = c->y.width, .x_start = g->in_start, .x_step_row = g->in_step_row,
        .x_step_column = g->in_step_column, .x_row = g->tap_row, .x_column = g->tap_column,
        .x_channel_block = g->in_block, .x_image = g->in_image, .depth = g->depth, .channels = c->x.channels,
        .dy_start = pixel_of(&c->y, 0, 0), .dy_row = c->y.row, .dy_block = c->y.plane, .dy_image = c->y.image,
        .kernel_height = c->kernel_height, .kernel_width = c->kernel_width,
        .out_channels = c->y.channels, .out_blocks = c->y.blocks,
    };
}

/* Source blocks whose sums a thread holds at a time. */
static i64 blocks_together(const Convolution *c) {
    return larger(1, MML_CONV_BLOCKED_TOGETHER / (c->kernel_height * c->kernel_width * MML_BLOCK));
}

INLINE i64 source_parts(const Convolution *c) {
    return c->plain ? 1 : (c->x.blocks + blocks_together(c) - 1) / blocks_together(c);
}

/* Items are panels times parts of the source blocks. Scratch: sums, then a copy of x. */
static void weight_items(void *context, i64 begin, i64 end, int thread) {
    const Job *job = context;
    const Convolution *c = &job->c;
    const Streams *s = &job->streams;
    i64 parts = source_parts(c), part_channels = c->plain ? c->x.channels : blocks_together(c) * MML_BLOCK;
    i64 sum_floats = (larger(MML_CONV_BLOCKED_TOGETHER, c->kernel_height * c->kernel_width * MML_BLOCK) + 12) * 2 * MML_BLOCK;
    float *sums = (float *)job->frame->scratch[thread], *copy = sums + sum_floats;
    for (i64 item = begin; item < end; item++) {
        i64 panel = item / parts, first = item % parts * part_channels, last = smaller(first + part_channels, c->x.channels);
        memset(sums, 0, (size_t)sum_floats * sizeof *sums);
        if (!copies_x(c)) MML_NAME(add_weight_sums)(s, job->operand[1], job->operand[0], job->frame->batch, panel, first, last, sums);
        else
            for (i64 i = 0; i < job->frame->batch; i++) {
                copy_x(c, job->operand[1] + i * floats_of_x(c), copy);
                MML_NAME(add_weight_sums)(s, copy, job->operand[0] + i * c->y.image, 1, panel, first, last, sums);
            }
        MML_NAME(take_weight_sums)(s, sums, panel, first, last, job->sets_weights, job->operand[5]);
    }
}

static void transform_items(void *context, i64 begin, i64 end, int thread) {
    const Job *job = context;
    MML_NAME(transform_pairs)(&job->pairs, job->operand[1], job->operand[0], job->first, begin, end);
}

static void multiply_items(void *context, i64 begin, i64 end, int thread) {
    const Job *job = context;
    MML_NAME(multiply_pairs)(&job->pairs, job->tiles, job->sets_weights && job->first == 0, begin, end, (float *)job->frame->scratch[thread], job->operand[5]);
}

static void weights_winograd(Job *job) {
    MmlThreads *threads = job->frame->threads;
    WeightTiles *w = &job->pairs;
    *w = MML_NAME(weight_tiles)(job->c.x, job->c.y, job->c.pad, job->frame->batch, mml_threads_count(threads), job->packed);
    for (job->first = 0; job->first < w->tiles; job->first += job->tiles) {
        job->tiles = smaller(w->round, w->tiles - job->first);
        mml_parallel(threads, job->tiles, transform_items, job);
        mml_parallel(threads, w->items, multiply_items, job);
    }
}

static void weights_direct(Job *job) {
    forward_grid(job);
    streams_of(job);
    i64 panels = (job->c.y.blocks + WEIGHT_PANEL - 1) / WEIGHT_PANEL;
    mml_parallel(job->frame->threads, panels * source_parts(&job->c), weight_items, job);
}

static void bias_items(void *context, i64 begin, i64 end, int thread) {
    const Job *job = context;
    const Blocked *y = &job->c.y;
    float *db = job->operand[6];
    for (i64 block = begin; block < end; block++) {
        Vector sum = ZERO;
        for (i64 image = 0; image < job->frame->batch; image++)
            for (i64 row = 0; row < y->height; row++) {
                const float *dy = job->operand[0] + image * y->image + block * y->plane + pixel_of(y, row, 0);
                for (i64 column = 0; column < y->width; column++) sum += load(dy + column * MML_BLOCK);
            }
        for (i64 i = 0; i < MML_BLOCK && block * MML_BLOCK + i < y->channels; i++) db[block * MML_BLOCK + i] += sum[i];
    }
}

void MML_NAME(conv_blocked_backward)(MmlFrame *frame, const MmlValue *attr, float *const *operand) {
    Job job = {.frame = frame, .operand = operand, .c = convolution_of(attr), .source = operand[0], .out = operand[4],
               .weights = operand[2], .packed = operand[3], .sets_weights = attr[17].i != 0};
    job.epilogue = (Epilogue){.finish = attr[16].i ? FINISH_MASKED : FINISH_PLAIN, .out = job.out, .beside = operand[1]};
    if (operand[5]) (forward_by_winograd(&job.c) ? weights_winograd : weights_direct)(&job);
    if (operand[6]) mml_parallel(frame->threads, job.c.y.blocks, bias_items, &job);
    if (operand[4] && data_by_winograd(&job.c)) backward_winograd(&job);
    else if (operand[4]) {
        backward_grids(&job);
        if (job.c.plain) pack_first(&job);
        else mml_parallel(frame->threads, job.panels, pack_panels, &job);
        mml_parallel(frame->threads, frame->batch * job.panels, backward_items, &job);
    }
}
