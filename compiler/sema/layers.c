#include <math.h>
#include <string.h>
#include "sema/network.h"

/* ---- Pieces of a layer ---- */

static int64_t product(int64_t a, int64_t b) {
    int64_t result;
    return __builtin_mul_overflow(a, b, &result) ? INT64_MAX : result;
}

static Layer *layer_add(NetworkBuilder *b, LayerKind kind, const LayerCall *call, Signal in, Shape shape, Signal *out) {
    if (product(shape_count(shape), b->frames) > MAX_NUMBERS) {
        network_error(b, E0340, call->span, "the result %s%s has more than 2^34 numbers", shape_text(b->s->arena, shape),
                      b->frames > 1 ? " of all frames" : "");
        return NULL;
    }
    static const char *const kinds[] = {
#define LAYER(kind, name) name,
#include "sema/layers.def"
#undef LAYER
    };
    Layer layer = {.kind = kind, .frames = b->frames, .shape = shape, .parameters = {-1, -1, -1, -1}, .statistics = {-1, -1},
                   .name = call->path[0] ? call->path : kinds[kind], .span = call->span};
    VECTOR_PUSH(b->s->arena, &layer.inputs, in.layer);
    *out = (Signal){b->network->layers.count, shape};
    VECTOR_PUSH(b->s->arena, &b->network->layers, layer);
    return &b->network->layers.items[out->layer];
}

/* In floats; every parameter starts at a multiple of 16, a cache line. */
static int64_t aligned(int64_t floats) {
    return (floats + 15) / 16 * 16;
}

static const char *full_name(NetworkBuilder *b, const LayerCall *call, const char *leaf) {
    const char *path = path_join(b->s->arena, b->prefix, call->path);
    return intern_text(b->s->names, arena_printf(b->s->arena, "%s.%s", path, leaf));
}

static bool parameter_add(NetworkBuilder *b, const LayerCall *call, const char *leaf, Parameter parameter, int *index) {
    Program *program = b->s->program;
    parameter.name   = full_name(b, call, leaf);
    parameter.group  = b->group;
    parameter.count  = shape_count(parameter.shape);
    if (parameter.count > MAX_NUMBERS || program->parameter_floats > INT64_MAX / 64) {
        network_error(b, E0340, call->span, "the parameter `%s` %s has more than 2^34 numbers", leaf, shape_text(b->s->arena, parameter.shape));
        return false;
    }
    parameter.offset = program->parameter_floats;
    program->parameter_floats += aligned(parameter.count);
    *index = program->parameters.count;
    VECTOR_PUSH(b->s->arena, &program->parameters, parameter);
    VECTOR_PUSH(b->s->arena, &b->parameter_spans, call->span);
    return true;
}

static int statistic_add(NetworkBuilder *b, const LayerCall *call, const char *leaf, int64_t count, double start) {
    Program *program = b->s->program;
    Statistic statistic = {.name = full_name(b, call, leaf), .group = b->group, .count = count,
                           .offset = program->statistic_floats, .start = start};
    program->statistic_floats += aligned(count);
    VECTOR_PUSH(b->s->arena, &program->statistics, statistic);
    return program->statistics.count - 1;
}

static Shape vector(int64_t size) {
    return (Shape){.rank = 1, .size = {size}};
}

static int64_t integer_of(const LayerCall *call, int row) {
    return call->arguments[row].value->integer;
}

static double real_of(const LayerCall *call, int row) {
    return call->arguments[row].value->real;
}

static void set_integers(Layer *layer, int count, const int64_t *values) {
    for (int i = 0; i < count; i++)
        layer->attr[i].i = values[i];
}

/* ---- How weights start ---- */

typedef struct { Init init; double value; } Start;

/* kaiming(fan = out), xavier, zero, one, constant(x); NULL: the layer's own. */
static bool read_init(NetworkBuilder *b, const LayerCall *call, int row, Start *start) {
    const Expr *expr = call->arguments[row].raw;
    static const ArgumentRow kaiming[]  = {{"fan", TYPE_WORD, ARGUMENT_FIXED, .words = "out|in", .fallback = "out"}};
    static const ArgumentRow constant[] = {{"value", TYPE_REAL, ARGUMENT_REQUIRED | ARGUMENT_FIXED, .low = -HUGE_VAL, .high = HUGE_VAL}};
    static const struct { const char *name; Init init; const ArgumentRow *rows; int count; } inits[] = {
        {"kaiming", INIT_KAIMING_OUT, kaiming, 1}, {"xavier", INIT_XAVIER, NULL, 0}, {"zero", INIT_ZERO, NULL, 0},
        {"one", INIT_ONE, NULL, 0}, {"constant", INIT_CONSTANT, constant, 1},
    };
    static const char *const names[] = {"kaiming", "xavier", "zero", "one", "constant"};
    if (!expr)
        return true;
    if (expr->kind == EXPR_ERROR)
        return false;
    const Expr *callee = expr->kind == EXPR_CALL ? expr->base : expr;
    for (size_t i = 0; i < sizeof inits / sizeof *inits; i++) {
        if (!is_name(callee, inits[i].name))
            continue;
        Argument argument[1];
        if (!arguments_bind(b->s, call->scope, expr, inits[i].name, inits[i].rows, inits[i].count, argument))
            return false;
        start->init = inits[i].init;
        if (inits[i].rows == kaiming && argument[0].value->integer == 1)
            start->init = INIT_KAIMING_IN;
        if (inits[i].rows == constant)
            start->value = argument[0].value->real;
        return true;
    }
    Diagnostic *d = network_error(b, E0344, expr->span, "weights start as kaiming(fan = out), kaiming(fan = in), xavier, zero, one or constant(x)");
    if (callee->kind == EXPR_NAME)
        help_nearest(b->s, d, callee->name, names, 5);
    return false;
}

/* ---- Planes: what convolutions and pooling share ---- */

static bool needs_planes(NetworkBuilder *b, const LayerCall *call, Signal in, const char *what) {
    if (in.shape.rank == 3)
        return true;
    Diagnostic *d = network_error(b, E0332, call->span, "%s needs [channels, height, width], and %s comes in", what,
                                  shape_text(b->s->arena, in.shape));
    if (in.shape.rank == 4)
        diag_help(b->s->diagnostics, d, "`each(f) -> mean` runs an encoder f on every frame; `stack` in the input makes channels of them");
    return false;
}

/* The extent left of `size`; 0 or less: nothing. */
static int64_t extent(int64_t size, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation) {
    int64_t span = dilation * (kernel - 1) + 1;
    return size + 2 * pad < span ? 0 : (size + 2 * pad - span) / stride + 1;
}

static bool planes_left(NetworkBuilder *b, const LayerCall *call, Signal in, int64_t kernel, int64_t stride, int64_t pad,
                        int64_t dilation, Shape *out) {
    *out = in.shape;
    for (int axis = 1; axis <= 2; axis++)
        out->size[axis] = extent(in.shape.size[axis], kernel, stride, pad, dilation);
    if (out->size[1] > 0 && out->size[2] > 0)
        return true;
    network_error(b, E0333, call->span, "a kernel of %lld%s with pad %lld does not fit into %s", (long long)kernel,
                  dilation > 1 ? arena_printf(b->s->arena, " (dilated by %lld)", (long long)dilation) : "", (long long)pad,
                  shape_text(b->s->arena, in.shape));
    return false;
}

#define SIZE_ROW(name_, fallback_) {name_, TYPE_INT, ARGUMENT_FIXED, .fallback = fallback_, .low = 1, .high = 65535}

/* ---- conv ---- */

enum { CONV_OUT, CONV_KERNEL, CONV_STRIDE, CONV_PAD, CONV_DILATION, CONV_GROUPS, CONV_BIAS, CONV_INIT };
static const ArgumentRow CONV[] = {
    {"out",    TYPE_INT, ARGUMENT_REQUIRED | ARGUMENT_FIXED, .low = 1, .high = MAX_SIZE},
    {"kernel", TYPE_INT, ARGUMENT_REQUIRED | ARGUMENT_FIXED, .low = 1, .high = 65535},
    SIZE_ROW("stride", "1"),
    {"pad",    TYPE_INT, ARGUMENT_FIXED, .words = "same", .fallback = "same", .low = 0, .high = 65535},
    SIZE_ROW("dilation", "1"),
    {"groups", TYPE_INT, ARGUMENT_FIXED, .fallback = "1", .low = 1, .high = MAX_SIZE},
    {"bias",   TYPE_BOOL, ARGUMENT_FIXED, .fallback = "true"},
    {"init",   TYPE_WORD, ARGUMENT_RAW, .words = NULL},
};

/* The padding: a number, or same (kernel div 2 on each side). */
static bool conv_pad(NetworkBuilder *b, const LayerCall *call, int64_t kernel, int64_t *pad) {
    const Value *value = call->arguments[CONV_PAD].value;
    if (value->type.kind != TYPE_WORD) {
        *pad = value->integer;
        return true;
    }
    if (kernel % 2 == 0) {
        const Expr *raw = call->arguments[CONV_PAD].raw;
        Diagnostic *d = network_error(b, E0334, raw ? raw->span : call->span, "`pad = same` keeps the size for odd kernels only, and this kernel is %lld",
                                      (long long)kernel);
        diag_help(b->s->diagnostics, d, "give the padding as a number: `pad = %lld`", (long long)(kernel / 2 - 1));
        return false;
    }
    *pad = kernel / 2;
    return true;
}

static bool conv_groups(NetworkBuilder *b, const LayerCall *call, int64_t in, int64_t out, int64_t groups) {
    if (in % groups == 0 && out % groups == 0)
        return true;
    network_error(b, E0335, call->span, "%lld groups don't divide the channels evenly: %lld come in and %lld go out", (long long)groups, (long long)in,
                  (long long)out);
    return false;
}

static bool build_conv(NetworkBuilder *b, const LayerCall *call, Signal in, Signal *out) {
    if (!needs_planes(b, call, in, "conv"))
        return false;
    int64_t channels = in.shape.size[0], width = integer_of(call, CONV_OUT), kernel = integer_of(call, CONV_KERNEL);
    int64_t stride = integer_of(call, CONV_STRIDE), dilation = integer_of(call, CONV_DILATION), groups = integer_of(call, CONV_GROUPS), pad;
    Start start = {INIT_KAIMING_OUT, 0};
    Shape shape;
    if (!conv_pad(b, call, kernel, &pad) || !conv_groups(b, call, channels, width, groups)
        || !planes_left(b, call, in, kernel, stride, pad, dilation, &shape) || !read_init(b, call, CONV_INIT, &start))
        return false;
    shape.size[0] = width;
    Parameter weight = {.kind = PARAM_CONV, .shape = {4, {width, channels / groups, kernel, kernel}}, .init = start.init, .init_value = start.value,
                        .fan_in = product(channels / groups, kernel * kernel), .fan_out = product(width, kernel * kernel)};
    Parameter bias = {.kind = PARAM_BIAS, .shape = vector(width), .init = INIT_ZERO};
    int parameters[2] = {-1, -1};
    if (!parameter_add(b, call, "weight", weight, &parameters[0])
        || (integer_of(call, CONV_BIAS) && !parameter_add(b, call, "bias", bias, &parameters[1])))
        return false;
    Layer *layer = layer_add(b, LAYER_CONV, call, in, shape, out);
    if (!layer)
        return false;
    set_integers(layer, 12, (int64_t[]){channels, in.shape.size[1], in.shape.size[2], width, kernel, kernel, stride, pad, dilation, groups,
                                        shape.size[1], shape.size[2]});
    layer->parameters[0] = parameters[0];
    layer->parameters[1] = parameters[1];
    layer->flops = product(2 * shape_count(shape), weight.fan_in);
    return true;
}

/* ---- linear ---- */

enum { LINEAR_OUT, LINEAR_BIAS, LINEAR_INIT };
static const ArgumentRow LINEAR[] = {
    {"out",  TYPE_INT, ARGUMENT_REQUIRED | ARGUMENT_FIXED, .low = 1, .high = MAX_SIZE},
    {"bias", TYPE_BOOL, ARGUMENT_FIXED, .fallback = "true"},
    {"init", TYPE_WORD, ARGUMENT_RAW, .words = NULL},
};

static bool add_linear(NetworkBuilder *b, const LayerCall *call, int64_t width, bool has_bias, Start start, Signal in, Signal *out) {
    int64_t size = shape_count(in.shape);
    Parameter weight = {.kind = PARAM_LINEAR, .shape = {2, {width, size}}, .init = start.init, .init_value = start.value, .fan_in = size, .fan_out = width};
    Parameter bias = {.kind = PARAM_BIAS, .shape = vector(width), .init = INIT_ZERO};
    int parameters[2] = {-1, -1};
    if (!parameter_add(b, call, "weight", weight, &parameters[0]) || (has_bias && !parameter_add(b, call, "bias", bias, &parameters[1])))
        return false;
    Layer *layer = layer_add(b, LAYER_LINEAR, call, in, vector(width), out);
    if (!layer)
        return false;
    set_integers(layer, 3, (int64_t[]){size, width, size});
    layer->attr[3].r = 1;
    layer->parameters[0] = parameters[0];
    layer->parameters[1] = parameters[1];
    layer->flops = product(2 * size, width);
    return true;
}

static bool build_linear(NetworkBuilder *b, const LayerCall *call, Signal in, Signal *out) {
    Start start = {INIT_XAVIER, 0};
    return read_init(b, call, LINEAR_INIT, &start)
        && add_linear(b, call, integer_of(call, LINEAR_OUT), integer_of(call, LINEAR_BIAS), start, in, out);
}

bool layer_add_linear(NetworkBuilder *b, const char *path, Span span, int64_t width, Signal in, Signal *out) {
    LayerCall call = {.path = path, .span = span};
    return add_linear(b, &call, width, true, (Start){INIT_XAVIER, 0}, in, out);
}

/* ---- batchnorm, layernorm ---- */

static const ArgumentRow BATCHNORM[] = {
    {"momentum", TYPE_REAL, ARGUMENT_FIXED, .fallback = "0.1",  .low = 0, .high = 1},
    {"eps",      TYPE_REAL, ARGUMENT_FIXED, .fallback = "1e-5", .low = 0, .high = 1},
};

static bool add_norm_parameters(NetworkBuilder *b, const LayerCall *call, Shape shape, int *parameters) {
    Parameter weight = {.kind = PARAM_NORM, .shape = shape, .init = INIT_ONE};
    Parameter bias   = {.kind = PARAM_NORM, .shape = shape, .init = INIT_ZERO};
    return parameter_add(b, call, "weight", weight, &parameters[0]) && parameter_add(b, call, "bias", bias, &parameters[1]);
}

static bool build_batchnorm(NetworkBuilder *b, const LayerCall *call, Signal in, Signal *out) {
    if (in.shape.rank != 1 && in.shape.rank != 3) {
        network_error(b, E0332, call->span, "batchnorm needs [channels, height, width] or a vector, and %s comes in", shape_text(b->s->arena, in.shape));
        return false;
    }
    int64_t channels = in.shape.size[0];
    int parameters[2];
    if (!add_norm_parameters(b, call, vector(channels), parameters))
        return false;
    Layer *layer = layer_add(b, LAYER_BATCHNORM, call, in, in.shape, out);
    if (!layer)
        return false;
    layer->attr[0].i = channels;
    layer->attr[1].i = shape_count(in.shape) / channels;
    layer->attr[2].r = real_of(call, 0);
    layer->attr[3].r = real_of(call, 1);
    layer->attr[4].i = b->group;
    layer->parameters[0] = parameters[0];
    layer->parameters[1] = parameters[1];
    layer->statistics[0] = statistic_add(b, call, "running_mean", channels, 0);
    layer->statistics[1] = statistic_add(b, call, "running_var", channels, 1);
    return true;
}

static const ArgumentRow LAYERNORM[] = {{"eps", TYPE_REAL, ARGUMENT_FIXED, .fallback = "1e-5", .low = 0, .high = 1}};

static bool build_layernorm(NetworkBuilder *b, const LayerCall *call, Signal in, Signal *out) {
    int parameters[2];
    if (!add_norm_parameters(b, call, in.shape, parameters))
        return false;
    Layer *layer = layer_add(b, LAYER_LAYERNORM, call, in, in.shape, out);
    if (!layer)
        return false;
    layer->attr[0].i = shape_count(in.shape);
    layer->attr[1].r = real_of(call, 0);
    layer->parameters[0] = parameters[0];
    layer->parameters[1] = parameters[1];
    return true;
}

/* ---- Elementwise ---- */

static bool add_elementwise(NetworkBuilder *b, LayerKind kind, const LayerCall *call, double p0, double p1, Signal in, Signal *out) {
    Layer *layer = layer_add(b, kind, call, in, in.shape, out);
    if (!layer)
        return false;
    layer->attr[0].i = shape_count(in.shape);
    layer->attr[1].r = p0;
    layer->attr[2].r = p1;
    return true;
}

#define ELEMENTWISE(function, kind, p0, p1)                                                              \
    static bool function(NetworkBuilder *b, const LayerCall *call, Signal in, Signal *out) {             \
        return add_elementwise(b, kind, call, p0, p1, in, out);                                          \
    }
ELEMENTWISE(build_relu,          LAYER_RELU,          0, 0)
ELEMENTWISE(build_leaky_relu,    LAYER_LEAKY_RELU,    real_of(call, 0), 0)
ELEMENTWISE(build_gelu,          LAYER_GELU,          0, 0)
ELEMENTWISE(build_tanh,          LAYER_TANH,          0, 0)
ELEMENTWISE(build_sigmoid,       LAYER_SIGMOID,       0, 0)
ELEMENTWISE(build_softplus,      LAYER_SOFTPLUS,      0, 0)
ELEMENTWISE(build_smoothed_relu, LAYER_SMOOTHED_RELU, real_of(call, 0), real_of(call, 1))
ELEMENTWISE(build_scale,         LAYER_SCALE,         real_of(call, 0), 0)

static const ArgumentRow LEAKY_RELU[]    = {{"slope", TYPE_REAL, ARGUMENT_FIXED, .fallback = "0.01", .low = -HUGE_VAL, .high = HUGE_VAL}};
static const ArgumentRow SCALE[]         = {{"factor", TYPE_REAL, ARGUMENT_REQUIRED | ARGUMENT_FIXED, .low = -HUGE_VAL, .high = HUGE_VAL}};
/* The theory takes an integer q >= 3 and beta = 1 / polylog(K) (paper, 3.1); 1 / 10 stands for the latter. */
static const ArgumentRow SMOOTHED_RELU[] = {
    {"beta", TYPE_REAL, ARGUMENT_FIXED, .fallback = "0.1", .low = 1e-30, .high = HUGE_VAL},
    {"q",    TYPE_REAL, ARGUMENT_FIXED, .fallback = "3",   .low = 1,     .high = HUGE_VAL},
};

/* ---- Pooling ---- */

enum { POOL_KERNEL, POOL_STRIDE, POOL_PAD };
#define POOL_ROWS(flags_)                                                                       \
    {"kernel", TYPE_INT, (flags_) | ARGUMENT_FIXED, .low = 1, .high = 65535},                    \
    {"stride", TYPE_INT, ARGUMENT_FIXED, .low = 1, .high = 65535},                               \
    {"pad",    TYPE_INT, ARGUMENT_FIXED, .fallback = "0", .low = 0, .high = 65535}
static const ArgumentRow MAXPOOL[] = {POOL_ROWS(ARGUMENT_REQUIRED)};
static const ArgumentRow AVGPOOL[] = {POOL_ROWS(0)};

static bool add_pool(NetworkBuilder *b, LayerKind kind, const LayerCall *call, Signal in, Signal *out) {
    int64_t kernel = integer_of(call, POOL_KERNEL), pad = integer_of(call, POOL_PAD);
    int64_t stride = call->arguments[POOL_STRIDE].value ? integer_of(call, POOL_STRIDE) : kernel;
    if (pad > kernel / 2) {
        network_error(b, E0325, call->arguments[POOL_PAD].raw->span, "`pad` is at most half the kernel, %lld, not %lld: a window would lie outside the input",
                      (long long)(kernel / 2), (long long)pad);
        return false;
    }
    Shape shape;
    if (!planes_left(b, call, in, kernel, stride, pad, 1, &shape))
        return false;
    Layer *layer = layer_add(b, kind, call, in, shape, out);
    if (!layer)
        return false;
    set_integers(layer, 8, (int64_t[]){in.shape.size[0], in.shape.size[1], in.shape.size[2], kernel, stride, pad, shape.size[1], shape.size[2]});
    return true;
}

static bool build_maxpool(NetworkBuilder *b, const LayerCall *call, Signal in, Signal *out) {
    return needs_planes(b, call, in, "maxpool") && add_pool(b, LAYER_MAXPOOL, call, in, out);
}

static bool build_avgpool(NetworkBuilder *b, const LayerCall *call, Signal in, Signal *out) {
    if (!needs_planes(b, call, in, "avgpool"))
        return false;
    if (call->arguments[POOL_KERNEL].value)
        return add_pool(b, LAYER_AVGPOOL, call, in, out);
    for (int row = POOL_STRIDE; row <= POOL_PAD; row++) {
        if (call->arguments[row].raw) {
            network_error(b, E0322, call->span, "avgpool over the whole plane has no `%s`; with one it needs `kernel`", AVGPOOL[row].name);
            return false;
        }
    }
    int64_t channels = in.shape.size[0];
    Layer *layer = layer_add(b, LAYER_GLOBAL_AVGPOOL, call, in, (Shape){3, {channels, 1, 1}}, out);
    if (!layer)
        return false;
    set_integers(layer, 2, (int64_t[]){channels, shape_count(in.shape) / channels});
    return true;
}

/* ---- flatten, dropout, normalize, identity ---- */

static const ArgumentRow DROPOUT[] = {{"p", TYPE_REAL, ARGUMENT_FIXED, .fallback = "0.5", .low = 0, .high = 1}};

static bool build_dropout(NetworkBuilder *b, const LayerCall *call, Signal in, Signal *out) {
    if (real_of(call, 0) == 1) {
        network_error(b, E0325, call->span, "`p` is below 1: with 1 nothing is left to go on with");
        return false;
    }
    Layer *layer = layer_add(b, LAYER_DROPOUT, call, in, in.shape, out);
    if (!layer)
        return false;
    layer->attr[0].i = shape_count(in.shape);
    layer->attr[1].r = real_of(call, 0);
    layer->attr[2].i = b->group;
    layer->attr[3].i = b->s->dropouts++;
    return true;
}

static bool build_flatten(NetworkBuilder *b, const LayerCall *call, Signal in, Signal *out) {
    return layer_add(b, LAYER_FLATTEN, call, in, vector(shape_count(in.shape)), out);
}

static bool build_normalize(NetworkBuilder *b, const LayerCall *call, Signal in, Signal *out) {
    Layer *layer = layer_add(b, LAYER_NORMALIZE, call, in, in.shape, out);
    if (!layer)
        return false;
    layer->attr[0].i = shape_count(in.shape);
    return true;
}

static bool build_identity(NetworkBuilder *b, const LayerCall *call, Signal in, Signal *out) {
    *out = in;                   /* no layer: it would only copy */
    return true;
}

/* ---- The table ---- */

#define ROWS(rows) rows, (int)(sizeof(rows) / sizeof *(rows))
static const LayerRow LAYERS[] = {
    {"conv",          ROWS(CONV),          build_conv},
    {"linear",        ROWS(LINEAR),        build_linear},
    {"batchnorm",     ROWS(BATCHNORM),     build_batchnorm},
    {"layernorm",     ROWS(LAYERNORM),     build_layernorm},
    {"relu",          NULL, 0,             build_relu},
    {"leaky_relu",    ROWS(LEAKY_RELU),    build_leaky_relu},
    {"gelu",          NULL, 0,             build_gelu},
    {"tanh",          NULL, 0,             build_tanh},
    {"sigmoid",       NULL, 0,             build_sigmoid},
    {"softplus",      NULL, 0,             build_softplus},
    {"smoothed_relu", ROWS(SMOOTHED_RELU), build_smoothed_relu},
    {"scale",         ROWS(SCALE),         build_scale},
    {"maxpool",       ROWS(MAXPOOL),       build_maxpool},
    {"avgpool",       ROWS(AVGPOOL),       build_avgpool},
    {"dropout",       ROWS(DROPOUT),       build_dropout},
    {"normalize",     NULL, 0,             build_normalize},
    {"flatten",       NULL, 0,             build_flatten},
    {"identity",      NULL, 0,             build_identity},
};
#define LAYER_COUNT (int)(sizeof LAYERS / sizeof *LAYERS)

const LayerRow *layer_find(const char *name) {
    for (int i = 0; i < LAYER_COUNT; i++)
        if (strcmp(LAYERS[i].name, name) == 0)
            return &LAYERS[i];
    return NULL;
}

bool layer_check(NetworkBuilder *b, const LayerRow *row, const LayerCall *call) {
    Start start;
    for (int i = 0; i < row->row_count; i++)
        if (row->rows[i].flags & ARGUMENT_RAW && !read_init(b, call, i, &start))
            return false;
    return true;
}

int layer_names(const char **names, int capacity) {
    int count = 0;
    for (; count < LAYER_COUNT && count < capacity; count++)
        names[count] = LAYERS[count].name;
    return count;
}

/* ---- The layers of fusions: two inputs, one of them perhaps behind a layer of its own ---- */

static bool add_pair(NetworkBuilder *b, LayerKind kind, const LayerCall *call, Signal left, Signal right, Signal *out) {
    Layer *layer = layer_add(b, kind, call, left, right.shape, out);
    if (!layer)
        return false;
    VECTOR_PUSH(b->s->arena, &layer->inputs, right.layer);
    layer->attr[0].i = shape_count(right.shape);
    return true;
}

bool layer_add_film(NetworkBuilder *b, const char *path, Span span, Signal condition, Signal in, Signal *out) {
    LayerCall call = {.path = path, .span = span};
    Signal modulation;
    return layer_add_linear(b, path, span, 2 * shape_count(in.shape), condition, &modulation)
        && add_pair(b, LAYER_FILM, &call, modulation, in, out);
}

bool layer_add_gate(NetworkBuilder *b, const char *path, Span span, Signal gate, Signal in, Signal *out) {
    LayerCall call = {.path = path, .span = span};
    Signal share;
    return add_elementwise(b, LAYER_SIGMOID, &call, 0, 0, gate, &share) && add_pair(b, LAYER_MULTIPLY, &call, share, in, out);
}

/* ---- Mean over frames ---- */

bool layer_add_mean(NetworkBuilder *b, const char *path, Span span, int64_t frames, Signal in, Signal *out) {
    LayerCall call = {.path = path, .span = span};
    Layer *layer = layer_add(b, LAYER_MEAN_FRAMES, &call, in, in.shape, out);
    if (!layer)
        return false;
    set_integers(layer, 2, (int64_t[]){shape_count(in.shape), frames});
    return true;
}

/* ---- Sum and concatenation ---- */

bool layer_add_sum(NetworkBuilder *b, const char *path, Span span, Signal left, Signal right, Signal *out) {
    bool same = left.shape.rank == right.shape.rank;
    for (int i = 0; same && i < left.shape.rank; i++)
        same = left.shape.size[i] == right.shape.size[i];
    if (!same) {
        network_error(b, E0336, span, "`+` adds two of one shape, and these are %s and %s", shape_text(b->s->arena, left.shape),
                      shape_text(b->s->arena, right.shape));
        return false;
    }
    LayerCall call = {.path = path, .span = span};
    Layer *layer = layer_add(b, LAYER_ADD, &call, left, left.shape, out);
    if (!layer)
        return false;
    VECTOR_PUSH(b->s->arena, &layer->inputs, right.layer);
    layer->attr[0].i = shape_count(left.shape);
    return true;
}

bool layer_add_concat(NetworkBuilder *b, const char *path, Span span, int count, const Signal *parts, Signal *out) {
    Shape shape = parts[0].shape;
    for (int i = 1; i < count; i++) {
        bool fits = parts[i].shape.rank == shape.rank;
        for (int axis = 1; fits && axis < shape.rank; axis++)
            fits = parts[i].shape.size[axis] == shape.size[axis];
        if (!fits) {
            network_error(b, E0337, span, "`concat` joins channels, and %s does not fit beside %s", shape_text(b->s->arena, parts[i].shape),
                          shape_text(b->s->arena, parts[0].shape));
            return false;
        }
        shape.size[0] += parts[i].shape.size[0];
    }
    LayerCall call = {.path = path, .span = span};
    Layer *layer = layer_add(b, LAYER_CONCAT, &call, parts[0], shape, out);
    if (!layer)
        return false;
    layer->attr[0].i = count;
    layer->attr[1].i = shape_count(parts[0].shape);
    for (int i = 1; i < count; i++) {
        VECTOR_PUSH(b->s->arena, &layer->inputs, parts[i].layer);
        layer->attr[1 + i].i = shape_count(parts[i].shape);
    }
    return true;
}
