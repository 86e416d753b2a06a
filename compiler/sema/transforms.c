#include "sema/transforms.h"

#include <math.h>
#include <string.h>

#define COUNT(a) ((int)(sizeof (a) / sizeof *(a)))

/* ---- Arguments ---- */

#define SIZE_ARGUMENT(name, flags) {name, TYPE_INT, (flags) | ARGUMENT_FIXED, NULL, NULL, 1, 1e9}
#define START_ARGUMENT(name)       {name, TYPE_INT, ARGUMENT_REQUIRED | ARGUMENT_FIXED, NULL, NULL, 0, 1e9}
#define REAL_ARGUMENT(name, flags, fallback) {name, TYPE_REAL, flags, NULL, fallback, 0, 0}

static const ArgumentRow SCALE[]  = {REAL_ARGUMENT("factor", ARGUMENT_REQUIRED, NULL)};
static const ArgumentRow SHIFT[]  = {REAL_ARGUMENT("by", ARGUMENT_REQUIRED, NULL)};
static const ArgumentRow LOG[]    = {{"add", TYPE_REAL, 0, NULL, "1e-7", 0, HUGE_VAL}};
static const ArgumentRow CLIP[]   = {REAL_ARGUMENT("low", ARGUMENT_REQUIRED, NULL), REAL_ARGUMENT("high", ARGUMENT_REQUIRED, NULL)};
static const ArgumentRow PART[]   = {START_ARGUMENT("first"), SIZE_ARGUMENT("count", ARGUMENT_REQUIRED)};
static const ArgumentRow SELECT[] = {{"columns", TYPE_INT, ARGUMENT_REQUIRED | ARGUMENT_FIXED | ARGUMENT_LIST, NULL, NULL, 0, 1e9}};
static const ArgumentRow RESIZE[] = {SIZE_ARGUMENT("height", 0), SIZE_ARGUMENT("width", 0), SIZE_ARGUMENT("side", ARGUMENT_NAMED)};
static const ArgumentRow CROP[]   = {SIZE_ARGUMENT("height", ARGUMENT_REQUIRED), SIZE_ARGUMENT("width", ARGUMENT_REQUIRED)};
static const ArgumentRow RANDOM_RESIZED_CROP[] = {
    SIZE_ARGUMENT("side", ARGUMENT_REQUIRED),
    {"area",  TYPE_REAL, ARGUMENT_LIST, NULL, "[0.08, 1.0]",     1e-6, 1},
    {"ratio", TYPE_REAL, ARGUMENT_LIST, NULL, "[3 / 4, 4 / 3]", 1e-3, 1e3},
};
static const ArgumentRow FLIP[]     = {{"p", TYPE_REAL, 0, NULL, "0.5", 0, 1}};
static const ArgumentRow PAD[]      = {{"pixels", TYPE_INT, ARGUMENT_FIXED, NULL, "4", 0, 1e6}};
static const ArgumentRow COLORIZE[] = {
    {"by",     TYPE_NONE, ARGUMENT_REQUIRED | ARGUMENT_RAW, NULL, NULL, 0, 0},
    {"jitter", TYPE_REAL, 0, NULL, "0.03", 0, 1e6},
    {"train",  TYPE_WORD, ARGUMENT_NAMED, "correlated|random|none", "correlated", 0, 0},
    {"test",   TYPE_WORD, ARGUMENT_NAMED, "correlated|random|none", "random",     0, 0},
};
static const ArgumentRow SAMPLE[]   = {{"rate", TYPE_FPS, ARGUMENT_REQUIRED, NULL, NULL, 1e-6, 1e6}};
static const ArgumentRow FRAMES[]   = {SIZE_ARGUMENT("count", ARGUMENT_REQUIRED),
                                       {"pick", TYPE_WORD, 0, "uniform|random|middle", "uniform", 0, 0}};
static const ArgumentRow MONO[]     = {{"rate", TYPE_FREQUENCY, ARGUMENT_REQUIRED | ARGUMENT_FIXED, NULL, NULL, 1, 1e9}};
static const ArgumentRow FIT[]      = {{"duration", TYPE_TIME, ARGUMENT_REQUIRED | ARGUMENT_FIXED, NULL, NULL, 1e-6, 1e6},
                                       {"by", TYPE_WORD, 0, "tile|pad", "tile", 0, 0}};
static const ArgumentRow STFT[] = {
    SIZE_ARGUMENT("window", ARGUMENT_REQUIRED),
    SIZE_ARGUMENT("hop", ARGUMENT_REQUIRED),
    {"taper",   TYPE_NONE, ARGUMENT_RAW | ARGUMENT_NAMED, NULL, NULL, 0, 0},
    {"center",  TYPE_BOOL, ARGUMENT_FIXED | ARGUMENT_NAMED, NULL, "false", 0, 0},
    {"detrend", TYPE_WORD, ARGUMENT_NAMED, "none|constant", "none", 0, 0},
    {"power",   TYPE_WORD, ARGUMENT_NAMED, "magnitude|density", "magnitude", 0, 0},
};
enum { STFT_WINDOW, STFT_HOP, STFT_TAPER, STFT_CENTER };
static const ArgumentRow MEL[]        = {SIZE_ARGUMENT("bands", ARGUMENT_REQUIRED)};
static const ArgumentRow FLOW_BOUND[] = {{"bound", TYPE_REAL, 0, NULL, "20", 1e-6, 1e6}};

/* ---- Bounds ---- */

static bool out_of_bounds(Step *step, int argument, const char *text) {
    const Expr *raw = step->arguments[argument].raw;
    diag(step->s->diagnostics, E0221, raw ? raw->span : step->call->span, "%s", text);
    return false;
}

/* ---- Shape rules ---- */

static bool flatten_shape(Step *step) {
    step->out.content = CONTENT_VECTOR;
    step->out.shape = (Shape){.rank = 1, .size = {step->in.shape.rank > 0 ? shape_count(step->in.shape) : -1}};
    return true;
}

/* One unknown size follows from the others and the product. */
static void flatten_solve(Step *step) {
    int64_t product = step->out.shape.size[0], known = 1;
    int unknown = -1, count = 0;
    for (int i = 0; i < step->in.shape.rank; i++) {
        if (step->in.shape.size[i] < 0) {
            unknown = i;
            count++;
        } else if (__builtin_mul_overflow(known, step->in.shape.size[i], &known)) {
            return;
        }
    }
    if (count == 1 && product > 0 && known > 0 && product % known == 0)
        step->in.shape.size[unknown] = product / known;
}

/* The axis that rows and columns lie on: the last two. */
static bool part_shape(Step *step, int back, const char *what) {
    int axis = step->in.shape.rank - back;
    if (axis < 0) {
        diag(step->s->diagnostics, E0220, step->call->span, "%s has no %s", flow_text(step->s->arena, step->in), what);
        return false;
    }
    int64_t size = step->in.shape.size[axis], first = step->fixed[0], count = step->fixed[1];
    if (size >= 0 && first + count > size)
        return out_of_bounds(step, 1, arena_printf(step->s->arena, "%s(%lld, %lld) ends behind the last of %lld %s of %s",
                                                   step->transform->name, (long long)first, (long long)count, (long long)size, what,
                                                   flow_text(step->s->arena, step->in)));
    step->out.shape.size[axis] = count;
    return true;
}
static bool rows_shape(Step *step) { return part_shape(step, 2, "rows"); }
static bool cols_shape(Step *step) { return part_shape(step, 1, "columns"); }

/* All sizes but one pass through unchanged. */
static void solve_but(Step *step, int axis) {
    for (int i = 0; i < step->in.shape.rank && i < step->out.shape.rank; i++)
        if (i != axis && step->in.shape.size[i] < 0)
            step->in.shape.size[i] = step->out.shape.size[i];
}
static void rows_solve(Step *step) { solve_but(step, step->in.shape.rank - 2); }
static void cols_solve(Step *step) { solve_but(step, step->in.shape.rank - 1); }

static bool select_shape(Step *step) {
    int axis = step->in.shape.rank - 1;
    int64_t size = step->in.shape.size[axis];
    for (int i = 0; i < step->arguments[0].list.count; i++) {
        const Value *column = step->arguments[0].list.items[i];
        if (size >= 0 && column->integer >= size) {
            diag(step->s->diagnostics, E0221, column->span, "there is no column %lld: %s has columns 0 to %lld", (long long)column->integer,
                 flow_text(step->s->arena, step->in), (long long)size - 1);
            return false;
        }
    }
    if (step->arguments[0].list.count == 0)
        return out_of_bounds(step, 0, "`select` needs at least one column");
    step->out.shape.size[axis] = step->arguments[0].list.count;
    return true;
}

/* Where height and width are: the last two axes of every picture. */
static int64_t *height_of(Flow *flow) { return &flow->shape.size[flow->shape.rank - 2]; }
static int64_t *width_of(Flow *flow)  { return &flow->shape.size[flow->shape.rank - 1]; }

static void plane_solve(Step *step) {
    for (int i = 0; i < step->in.shape.rank - 2 && i < step->out.shape.rank; i++)
        if (step->in.shape.size[i] < 0)
            step->in.shape.size[i] = step->out.shape.size[i];
}

enum { RESIZE_HEIGHT, RESIZE_WIDTH, RESIZE_SIDE };

static bool resize_shape(Step *step) {
    bool height = step->fixed[RESIZE_HEIGHT], width = step->fixed[RESIZE_WIDTH], side = step->fixed[RESIZE_SIDE];
    if (height != width || height == side) {
        Diagnostic *d = diag(step->s->diagnostics, E0234, step->call->span, "`resize` takes a height and a width, or one side");
        diag_help(step->s->diagnostics, d, "`resize(224, 224)` gives that size; `resize(224)` makes the shorter side 224 and keeps the ratio");
        return false;
    }
    *height_of(&step->out) = side ? -1 : step->fixed[RESIZE_HEIGHT];
    *width_of(&step->out)  = side ? -1 : step->fixed[RESIZE_WIDTH];
    if (side && *height_of(&step->in) > 0 && *height_of(&step->in) == *width_of(&step->in))
        *height_of(&step->out) = *width_of(&step->out) = step->fixed[RESIZE_SIDE];
    return true;
}

/* resize(side): one positional argument is the side. */
static const Expr *resize_arrange(Sema *s, const Expr *call) {
    const Arg *only = call->kind == EXPR_CALL ? call->arguments : NULL;
    if (!only || only->next || only->name || expr_wrong(only->value))
        return call;
    return expr_call_with(s, "resize", "side", only->value);
}

static bool crop_shape(Step *step) {
    int64_t height = *height_of(&step->in), width = *width_of(&step->in);
    if ((height >= 0 && step->fixed[0] > height) || (width >= 0 && step->fixed[1] > width))
        return out_of_bounds(step, height >= 0 && step->fixed[0] > height ? 0 : 1,
                             arena_printf(step->s->arena, "a crop of %lld x %lld is larger than %s", (long long)step->fixed[0],
                                          (long long)step->fixed[1], flow_text(step->s->arena, step->in)));
    *height_of(&step->out) = step->fixed[0];
    *width_of(&step->out) = step->fixed[1];
    return true;
}

/* area and ratio are each a low and a high bound. */
static bool random_resized_crop_shape(Step *step) {
    for (int i = 1; i <= 2; i++) {
        const Argument *bounds = &step->arguments[i];
        if (bounds->list.count == 2)
            continue;
        diag(step->s->diagnostics, E0234, bounds->raw ? bounds->raw->span : step->call->span,
             "`%s` is a low and a high bound, as in `[0.08, 1.0]`", step->transform->rows[i].name);
        return false;
    }
    *height_of(&step->out) = *width_of(&step->out) = step->fixed[0];
    return true;
}

static bool random_resized_crop_settings(Step *step) {
    static const char *const names[] = {"area_low", "area_high", "ratio_low", "ratio_high"};
    Sema *s = step->s;
    settings_add_arguments(s, step->path, step->transform->name, step->transform->rows, 1, step->arguments);
    for (int i = 0; i < COUNT(names); i++) {
        const Argument *bounds = &step->arguments[1 + i / 2];
        const ArgumentRow *row = &step->transform->rows[1 + i / 2];
        setting_add(s, (Setting){.path = arena_printf(s->arena, "%s.%s", step->path, names[i]), .type = {.kind = TYPE_REAL},
                                 .value = bounds->list.items[i % 2], .low = row->low, .high = row->high,
                                 .span = bounds->raw ? bounds->raw->span : step->call->span,
                                 .origin = bounds->raw ? NULL : "default of random_resized_crop"});
    }
    return true;
}

static bool pad_shape(Step *step) {
    if (*height_of(&step->in) >= 0)
        *height_of(&step->out) = *height_of(&step->in) + 2 * step->fixed[0];
    if (*width_of(&step->in) >= 0)
        *width_of(&step->out) = *width_of(&step->in) + 2 * step->fixed[0];
    return true;
}

static void pad_solve(Step *step) {
    plane_solve(step);
    if (*height_of(&step->in) < 0 && *height_of(&step->out) > 2 * step->fixed[0])
        *height_of(&step->in) = *height_of(&step->out) - 2 * step->fixed[0];
    if (*width_of(&step->in) < 0 && *width_of(&step->out) > 2 * step->fixed[0])
        *width_of(&step->in) = *width_of(&step->out) - 2 * step->fixed[0];
}

static int64_t *channels_of(Flow *flow) { return &flow->shape.size[flow->shape.rank - 3]; }

static bool gray_shape(Step *step) {
    *channels_of(&step->out) = 1;
    return true;
}

static void gray_solve(Step *step) { solve_but(step, step->in.shape.rank - 3); }

static bool colorize_shape(Step *step) {
    if (*channels_of(&step->in) > 1) {
        diag(step->s->diagnostics, E0220, step->call->span, "`colorize` gives a gray image its colour; this is %s already",
             flow_text(step->s->arena, step->in));
        return false;
    }
    *channels_of(&step->in) = 1;
    *channels_of(&step->out) = 3;
    return true;
}

static bool colorize_settings(Step *step) {
    Sema *s = step->s;
    int source;
    Field field;
    const Expr *by = step->arguments[0].raw;
    if (!data_field(s, by, &source, &field))
        return false;
    if (field.content != CONTENT_LABEL && field.content != CONTENT_ERROR && field.content != CONTENT_ARRAY) {
        diag(s->diagnostics, E0225, by->span, "`colorize` needs a label to colour by, and `%s` is %s", field.name,
             content_article(field.content));
        return false;
    }
    if (source != step->source) {
        diag(s->diagnostics, E0225, by->span, "the label must come from the same data as the image, `%s`",
             s->program->sources.items[step->source].name);
        return false;
    }
    setting_add(s, (Setting){.path = arena_printf(s->arena, "%s.by", step->path), .type = {.kind = TYPE_STRING}, .flags = SETTING_FIXED,
                             .value = value_text(s, TYPE_STRING, field.name, by->span), .span = by->span});
    settings_add_arguments(s, step->path, step->transform->name, step->transform->rows, step->transform->row_count, step->arguments);
    return true;
}

static bool frames_shape(Step *step) {
    bool flow = step->in.content == CONTENT_FLOW_FRAMES;
    int64_t count = step->fixed[0], channels = flow ? 2 : 3;
    if (count == 1)
        step->out = (Flow){flow ? CONTENT_FLOW : CONTENT_IMAGE, {.rank = 3, .size = {channels, -1, -1}}, 0};
    else
        step->out = (Flow){flow ? CONTENT_FLOWCLIP : CONTENT_VIDEO, {.rank = 4, .size = {count, channels, -1, -1}}, 0};
    return true;
}

/* Files have no shape to solve. */
static void solve_nothing(Step *step) { (void)step; }

static bool stack_shape(Step *step) {
    const int64_t *in = step->in.shape.size;
    step->out.content = step->in.content == CONTENT_FLOWCLIP ? CONTENT_FLOW : CONTENT_IMAGE;
    step->out.shape = (Shape){.rank = 3, .size = {in[0] < 0 || in[1] < 0 ? -1 : in[0] * in[1], in[2], in[3]}};
    return true;
}

static void stack_solve(Step *step) {
    int64_t *in = step->in.shape.size;
    const int64_t *out = step->out.shape.size;
    for (int i = 2; i < 4; i++)
        if (in[i] < 0)
            in[i] = out[i - 1];
    for (int i = 0; i < 2; i++)
        if (in[i] < 0 && in[1 - i] > 0 && out[0] > 0 && out[0] % in[1 - i] == 0)
            in[i] = out[0] / in[1 - i];
}

static bool mono_shape(Step *step) {
    step->out = (Flow){CONTENT_SOUND, {.rank = 1, .size = {-1}}, step->arguments[0].value->real};
    return true;
}

static bool fit_shape(Step *step) {
    double samples = step->arguments[0].value->real * step->in.rate;
    if (samples < 0.5 || samples > 1e9)
        return out_of_bounds(step, 0, arena_printf(step->s->arena, "%g s at %g Hz are %g samples", step->arguments[0].value->real,
                                                   step->in.rate, samples));
    step->out.shape.size[0] = llround(samples);
    return true;
}

/* Frames of a sound of n samples: (n - window) div hop + 1, or with center n div hop + 1. */
static bool stft_shape(Step *step) {
    int64_t samples = step->in.shape.size[0], window = step->fixed[STFT_WINDOW], hop = step->fixed[STFT_HOP];
    bool center = step->arguments[STFT_CENTER].value->integer;
    if (samples >= 0 && !center && window > samples)
        return out_of_bounds(step, STFT_WINDOW, arena_printf(step->s->arena, "a window of %lld is longer than the sound, %lld samples",
                                                             (long long)window, (long long)samples));
    int64_t frames = samples < 0 ? -1 : center ? samples / hop + 1 : (samples - window) / hop + 1;
    step->out = (Flow){CONTENT_SPECTROGRAM, {.rank = 3, .size = {1, window / 2 + 1, frames}}, 0};
    return true;
}

static bool stft_settings(Step *step) {
    static const ArgumentRow tukey[] = {{"alpha", TYPE_REAL, 0, NULL, "0.25", 0, 1}};
    static const Choice tapers[] = {{"hann", NULL, 0}, {"tukey", tukey, 1}};
    Sema *s = step->s;
    settings_add_arguments(s, step->path, step->transform->name, step->transform->rows, step->transform->row_count, step->arguments);
    return choice_add(s, step->arguments[STFT_TAPER].raw, "hann", arena_printf(s->arena, "%s.taper", step->path), "taper", tapers,
                      COUNT(tapers), NULL);
}

static bool mel_shape(Step *step) {
    step->out.shape.size[1] = step->fixed[0];
    return true;
}

static void mel_solve(Step *step) { solve_but(step, 1); }

/* ---- normalize: numbers, imagenet, train ---- */

static const ArgumentRow NORMALIZE[] = {
    {"mean", TYPE_REAL, ARGUMENT_REQUIRED | ARGUMENT_LIST, NULL, NULL, 0, 0},
    {"std",  TYPE_REAL, ARGUMENT_REQUIRED | ARGUMENT_LIST, NULL, NULL, 0, 0},
};

/* normalize(train) and normalize(imagenet) name where the numbers come from. */
static const char *normalize_word(const Expr *call) {
    const Arg *only = call->kind == EXPR_CALL ? call->arguments : NULL;
    if (!only || only->next || only->name || expr_wrong(only->value) || only->value->kind != EXPR_NAME)
        return NULL;
    const char *word = only->value->name;
    return strcmp(word, "imagenet") == 0 || strcmp(word, "train") == 0 ? word : NULL;
}

/* How many means there may be: one, or one for each channel (of a vector: each number). */
static bool normalize_counts(Step *step) {
    const Shape *shape = &step->in.shape;
    int64_t channels = shape->rank == 0 ? -1 : shape->rank == 4 ? shape->size[1] : shape->size[0];
    for (int i = 0; i < 2; i++) {
        const Argument *argument = &step->arguments[i];
        if (argument->list.count == 1 || (argument->list.count > 0 && (channels < 0 || argument->list.count == channels)))
            continue;
        return out_of_bounds(step, i, arena_printf(step->s->arena, "%d values of `%s` for %s: give one, or one for each of %lld",
                                                   argument->list.count, NORMALIZE[i].name, flow_text(step->s->arena, step->in),
                                                   (long long)channels));
    }
    return true;
}

static bool normalize_settings(Step *step) {
    Sema *s = step->s;
    const char *by = arena_printf(s->arena, "%s.by", step->path);
    const char *word = normalize_word(step->call);
    if (word) {
        if (strcmp(word, "imagenet") == 0) {
            int64_t *channels = step->in.shape.rank >= 3 ? channels_of(&step->in) : NULL;
            bool picture = step->in.content == CONTENT_IMAGE || step->in.content == CONTENT_VIDEO;
            if (!picture || (*channels >= 0 && *channels != 3)) {
                diag(s->diagnostics, E0220, step->call->span, "`normalize(imagenet)` fits images of three channels, and this is %s",
                     flow_text(s->arena, step->in));
                return false;
            }
        }
        setting_add_choice(s, by, word, step->call->span, NULL);
        return true;
    }
    if (!normalize_counts(step))
        return false;
    setting_add_choice(s, by, "numbers", step->call->span, NULL);
    settings_add_arguments(s, step->path, "normalize", NORMALIZE, COUNT(NORMALIZE), step->arguments);
    return true;
}

/* select(0, 3, 5) and select([0, 3, 5]). */
static const Expr *select_arrange(Sema *s, const Expr *call) {
    const Arg *first = call->kind == EXPR_CALL ? call->arguments : NULL;
    if (!first || first->name || expr_wrong(first->value) || (!first->next && first->value->kind == EXPR_LIST))
        return call;
    Expr *list = expr_new(s, EXPR_LIST, span_join(first->value->span, call->span));
    list->arguments = call->arguments;
    return expr_call_with(s, "select", "columns", list);
}

/* ---- The table ---- */

#define BIT(content) (1 << CONTENT_##content)
#define PICTURES (BIT(IMAGE) | BIT(VIDEO) | BIT(FLOW) | BIT(FLOWCLIP))
#define PLANES   (PICTURES | BIT(SPECTROGRAM))
#define NUMBERS  (PLANES | BIT(VECTOR) | BIT(TENSOR) | BIT(SOUND) | BIT(ARRAY))
#define TAKES(ROWS) ROWS, COUNT(ROWS)

static const Transform TRANSFORMS[] = {
    {"scale",       "scale(factor)",            NUMBERS, TAKES(SCALE), NULL, NULL, NULL, NULL},
    {"shift",       "shift(by)",                NUMBERS, TAKES(SHIFT), NULL, NULL, NULL, NULL},
    {"normalize",   "normalize(mean, std)",     NUMBERS, TAKES(NORMALIZE), NULL, NULL, NULL, normalize_settings},
    {"standardize", "standardize",              NUMBERS, NULL, 0, NULL, NULL, NULL, NULL},
    {"log",         "log(add)",                 NUMBERS, TAKES(LOG), NULL, NULL, NULL, NULL},
    {"clip",        "clip(low, high)",          NUMBERS, TAKES(CLIP), NULL, NULL, NULL, NULL},
    {"flatten",     "flatten",                  NUMBERS, NULL, 0, flatten_shape, flatten_solve, NULL, NULL},
    {"rows",        "rows(first, count)",       PLANES | BIT(TENSOR), TAKES(PART), rows_shape, rows_solve, NULL, NULL},
    {"cols",        "cols(first, count)",       PLANES | BIT(TENSOR) | BIT(VECTOR), TAKES(PART), cols_shape, cols_solve, NULL, NULL},
    {"select",      "select(column, …)",        BIT(VECTOR), TAKES(SELECT), select_shape, solve_nothing, select_arrange, NULL},
    {"resize",      "resize(height, width)",    PLANES, TAKES(RESIZE), resize_shape, plane_solve, resize_arrange, NULL},
    {"crop",        "crop(height, width)",      PLANES, TAKES(CROP), crop_shape, plane_solve, NULL, NULL},
    {"random_resized_crop", "random_resized_crop(side)", PICTURES, TAKES(RANDOM_RESIZED_CROP), random_resized_crop_shape, plane_solve,
                                                 NULL, random_resized_crop_settings},
    {"flip",        "flip(p)",                  PICTURES, TAKES(FLIP), NULL, NULL, NULL, NULL},
    {"pad",         "pad(pixels)",              PICTURES, TAKES(PAD), pad_shape, pad_solve, NULL, NULL},
    {"gray",        "gray",                     BIT(IMAGE) | BIT(VIDEO), NULL, 0, gray_shape, gray_solve, NULL, NULL},
    {"colorize",    "colorize(by, jitter)",     BIT(IMAGE), TAKES(COLORIZE), colorize_shape, gray_solve, NULL, colorize_settings},
    {"sample",      "sample(rate)",             BIT(VIDEO_FILE), TAKES(SAMPLE), NULL, NULL, NULL, NULL},
    {"frames",      "frames(count)",            BIT(VIDEO_FILE) | BIT(FRAMES) | BIT(FLOW_FRAMES), TAKES(FRAMES), frames_shape,
                                                 solve_nothing, NULL, NULL},
    {"stack",       "stack",                    BIT(VIDEO) | BIT(FLOWCLIP), NULL, 0, stack_shape, stack_solve, NULL, NULL},
    {"mono",        "mono(rate)",               BIT(SOUND_FILE), TAKES(MONO), mono_shape, solve_nothing, NULL, NULL},
    {"fit",         "fit(duration)",            BIT(SOUND), TAKES(FIT), fit_shape, solve_nothing, NULL, NULL},
    {"stft",        "stft(window, hop)",        BIT(SOUND), TAKES(STFT), stft_shape, solve_nothing, NULL, stft_settings},
    {"mel",         "mel(bands)",               BIT(SPECTROGRAM), TAKES(MEL), mel_shape, mel_solve, NULL, NULL},
    {"flow_bound",  "flow_bound(bound)",        BIT(FLOW) | BIT(FLOWCLIP), TAKES(FLOW_BOUND), NULL, NULL, NULL, NULL},
};

const Transform *transform_find(const char *name) {
    for (int i = 0; i < COUNT(TRANSFORMS); i++)
        if (strcmp(TRANSFORMS[i].name, name) == 0)
            return &TRANSFORMS[i];
    return NULL;
}

int transform_names(const char *const **names) {
    static const char *list[COUNT(TRANSFORMS)];
    for (int i = 0; i < COUNT(TRANSFORMS); i++)
        list[i] = TRANSFORMS[i].name;
    *names = list;
    return COUNT(TRANSFORMS);
}

const char *transforms_for(Sema *s, Content content) {
    const char *forms[COUNT(TRANSFORMS)];
    int count = 0;
    for (int i = 0; i < COUNT(TRANSFORMS); i++)
        if (TRANSFORMS[i].fits & (1 << content))
            forms[count++] = TRANSFORMS[i].form;
    return list_text(s, forms, count, " and ");
}

bool transform_keeps(const Transform *transform) {
    return !transform->shape;
}

/* ---- Applying ---- */

static bool check_fit(Step *step) {
    const Transform *transform = step->transform;
    if (step->in.content == CONTENT_ERROR || (transform->fits & (1 << step->in.content)))
        return true;
    Sema *s = step->s;
    Diagnostic *d = diag(s->diagnostics, E0220, expr_callee_span(step->call), "`%s` does not fit %s", transform->name,
                         content_article(step->in.content));
    const char *fitting = transforms_for(s, step->in.content);
    if (*fitting)
        diag_help(s->diagnostics, d, "what fits: %s", fitting);
    return false;
}

static bool bind(Step *step) {
    Sema *s = step->s;
    const Transform *transform = step->transform;
    if (transform->rows == NORMALIZE && normalize_word(step->call))
        return true;
    const Expr *call = transform->arrange ? transform->arrange(s, step->call) : step->call;
    if (!arguments_of(s, call, transform->name, step->path, transform->rows, transform->row_count, step->arguments))
        return false;
    for (int i = 0; i < transform->row_count; i++) {
        const Value *value = step->arguments[i].value;
        if (value && (transform->rows[i].flags & ARGUMENT_FIXED) && value->kind == VALUE_INTEGER)
            step->fixed[i] = value->integer;
    }
    return true;
}

bool transform_apply(Step *step) {
    const Transform *transform = step->transform;
    step->out = step->in;
    if (!check_fit(step) || !bind(step))
        return false;
    if (step->in.content == CONTENT_ERROR)
        return true;
    if (transform->shape && !transform->shape(step))
        return false;
    if (transform->settings)
        return transform->settings(step);
    settings_add_arguments(step->s, step->path, transform->name, transform->rows, transform->row_count, step->arguments);
    return true;
}
