#include "ir/loss.h"

#include <ctype.h>
#include "ir/ops.h"

/* ---- Parts ---- */

int joint_head(JointParts *parts, int m) {
    Builder *b = parts->b;
    const Modality *modality = &b->program->modalities.items[m];
    if (b->step->logits[m] < 0)
        b->step->logits[m] = graph_network(b, &modality->head, &parts->features[m], m,
                                           arena_printf(b->arena, "head.%s", modality->name));
    return b->step->logits[m];
}

/* concat -> linear: W's columns of m and b / M. sum(linear): the m-th summand. */
static int split(JointParts *parts, int m) {
    Builder *b = parts->b;
    const Program *program = b->program;
    int64_t column = 0;
    for (int i = 0; i < m; i++) column += program->modalities.items[i].width;
    for (int l = 0; l < program->fusion.layers.count; l++) {
        const Layer *layer = &program->fusion.layers.items[l];
        if (layer->kind != LAYER_LINEAR) continue;
        int concat = program->fusion_kind == FUSION_CONCAT_LINEAR;
        if (!concat && layer->inputs.items[0] != -1 - m) continue;
        Attribute attributes[4] = {layer->attr[0], layer->attr[1], layer->attr[2], layer->attr[3]};
        if (concat) {
            attributes[0].i = program->modalities.items[m].width;
            attributes[3].r = 1.0 / program->modalities.count;
        }
        return graph_apply(b, &(Operation){
            .op = IR_LINEAR, .attributes = attributes, .input_count = 1, .inputs = &parts->features[m],
            .parameters = {concat ? graph_column(b, layer->parameters[0], column) : graph_parameter(b, layer->parameters[0]),
                           graph_parameter(b, layer->parameters[1])},
            .statistics = {-1, -1}, .size = program->target.classes, .group = program->modalities.count,
            .factor = -1, .flops = 2 * attributes[0].i * attributes[1].i, .span = layer->span});
    }
    mml_ice("split[%d] of a fusion that has none", m);
}

int joint_split(JointParts *parts, int m) {
    if (!parts->split_known[m]) parts->splits[m] = split(parts, m);
    parts->split_known[m] = 1;
    return parts->splits[m];
}

/* ---- Operations ---- */

static const Tensor *tensor(const JointParts *parts, int t) { return &parts->b->step->tensors.items[t]; }

/* "loss.ce": what a number that is none is reported at. */
static const char *loss_name(JointParts *parts, IrOp op) {
    char *name = arena_printf(parts->b->arena, "loss.%s", op_row(op)->name);
    for (char *c = name; *c; c++) *c = (char)tolower((unsigned char)*c);
    return name;
}

static int apply(JointParts *parts, IrOp op, int64_t width, int x, int z, const Value *from) {
    int inputs[] = {x, z};
    Attribute attributes[] = {{.i = width}};
    return graph_apply(parts->b, &(Operation){
        .op = op, .attributes = attributes, .input_count = z < 0 ? 1 : 2, .inputs = inputs, .parameters = {-1, -1},
        .statistics = {-1, -1}, .size = width, .group = -1, .factor = -1, .flops = 5 * width, .span = from->span,
        .name = op == IR_ADD ? NULL : loss_name(parts, op)});
}

/* factor * x; factor: a fixed tensor, or -1 for the constant. */
static int scaled(JointParts *parts, int x, int factor, double constant, const Value *from) {
    int64_t size = tensor(parts, x)->size;
    Attribute attributes[] = {{.i = size}, {.r = constant}, {.r = 0}};
    if (factor >= 0 && tensor(parts, factor)->trained) mml_ice("logits scaled by a value that learns");
    return graph_apply(parts->b, &(Operation){
        .op = IR_SCALE, .attributes = attributes, .input_count = 1, .inputs = &x, .parameters = {-1, -1},
        .statistics = {-1, -1}, .size = size, .group = -1, .factor = factor, .flops = size, .span = from->span});
}

static int samples(JointParts *parts, Combination operation, int x, int z, const Value *from) {
    Attribute attributes[] = {{.i = operation}, {.i = !tensor(parts, x)->fixed}, {.i = z >= 0 && !tensor(parts, z)->fixed}};
    int inputs[] = {x, z};
    return graph_apply(parts->b, &(Operation){
        .op = IR_SAMPLES, .attributes = attributes, .input_count = z < 0 ? 1 : 2, .inputs = inputs,
        .parameters = {-1, -1}, .statistics = {-1, -1}, .group = -1, .factor = -1, .flops = 1, .span = from->span});
}

/* Arithmetic on whatever the two are; z -1 for an operation of one operand. */
static int combine(JointParts *parts, Combination operation, int x, int z, const Value *from) {
    const Tensor *a = tensor(parts, x), *c = z >= 0 ? tensor(parts, z) : a;
    if (a->fixed && c->fixed) return graph_fixed(parts->b, operation, x, z);
    if ((a->fixed || a->size == 1) && (c->fixed || c->size == 1)) return samples(parts, operation, x, z, from);
    switch (operation) {
    case COMBINE_ADD: return apply(parts, IR_ADD, a->size, x, z, from);
    case COMBINE_SUB: return apply(parts, IR_ADD, a->size, x, scaled(parts, z, -1, -1, from), from);
    case COMBINE_NEG: return scaled(parts, x, -1, -1, from);
    case COMBINE_MUL: return a->fixed ? scaled(parts, z, x, 0, from) : scaled(parts, x, z, 0, from);
    case COMBINE_DIV: {
        int one = graph_constant(parts->b, 1);
        return scaled(parts, x, graph_fixed(parts->b, COMBINE_DIV, one, z), 0, from);
    }
    default: mml_ice("operation %d on logits", operation);
    }
}

/* ---- Values ---- */

static int lower(JointParts *parts, const Value *v, int element);

static int is_tensor(TypeKind kind) {
    return kind == TYPE_LOGITS || kind == TYPE_FEATURE || kind == TYPE_PROBABILITIES || kind == TYPE_SOFT || kind == TYPE_SAMPLES ||
           kind == TYPE_LOSS;
}

static int reduce(JointParts *parts, const Value *v, int element) {
    const Value *of = v->operands[0];
    int mean = v->function == FN_MEAN;
    if (!of->type.each)
        return apply(parts, mean ? IR_MEAN_SAMPLES : IR_SUM_SAMPLES, 1, lower(parts, of, element), -1, v);
    int modalities = parts->b->modalities;
    int total = lower(parts, of, 0);
    for (int m = 1; m < modalities; m++) total = combine(parts, COMBINE_ADD, total, lower(parts, of, m), v);
    return mean ? combine(parts, COMBINE_DIV, total, graph_constant(parts->b, modalities), v) : total;
}

/* Shares of the clusters; the temperature is read when it runs unless it is a constant. */
static int soft(JointParts *parts, const Value *v, int element) {
    const Clustering *c = &parts->b->program->clusterings.items[v->number];
    int x = lower(parts, v->operands[0], element);
    const Value *temperature = v->operands[1];
    int constant = temperature->kind == VALUE_REAL;
    int64_t width = tensor(parts, x)->size;
    Attribute attributes[] = {{.i = width}, {.r = constant ? temperature->real : 0}, {.i = c->components}, {.i = c->bins},
                              {.i = c->normalize}, {.i = v->integer}, {.i = c->offset}};
    return graph_apply(parts->b, &(Operation){
        .op = IR_SOFT, .attributes = attributes, .input_count = 1, .inputs = &x, .parameters = {-1, -1}, .statistics = {-1, -1},
        .size = c->bins, .group = -1, .factor = constant ? -1 : lower(parts, temperature, element), .name = loss_name(parts, IR_SOFT),
        .flops = 2 * (c->components * width + c->bins * (c->components ? c->components : width)), .span = v->span});
}

/* The atoms of one table are solved for once, whichever of them the loss names. */
static int atom(JointParts *parts, const Value *v, int element, int which) {
    int inputs[] = {lower(parts, v->operands[0], element), lower(parts, v->operands[1], element), -1};
    int64_t first = tensor(parts, inputs[0])->size, second = tensor(parts, inputs[1])->size, classes = parts->b->program->target.classes;
    Attribute attributes[] = {{.i = first}, {.i = second}, {.i = classes}, {.i = which}};
    inputs[2] = graph_apply(parts->b, &(Operation){
        .op = IR_DECOMPOSE, .attributes = attributes, .input_count = 2, .inputs = inputs, .parameters = {-1, -1}, .statistics = {-1, -1},
        .fixed = 1, .size = 4 + 4 * first * second * classes, .group = -1, .factor = -1, .name = loss_name(parts, IR_DECOMPOSE),
        .flops = 2 * first * second, .span = v->span});
    return graph_apply(parts->b, &(Operation){
        .op = IR_ATOM, .attributes = attributes, .input_count = 3, .inputs = inputs, .parameters = {-1, -1}, .statistics = {-1, -1},
        .group = -1, .factor = -1, .flops = 2 * first * second, .span = v->span});
}

static int call(JointParts *parts, const Value *v, int element) {
    if (v->function == FN_SUM || v->function == FN_MEAN) return reduce(parts, v, element);
    switch (v->function) {
    case FN_SOFT:       return soft(parts, v, element);
    case FN_REDUNDANCY: return atom(parts, v, element, ATOM_REDUNDANCY);
    case FN_UNIQUE:     return atom(parts, v, element, v->number ? ATOM_UNIQUE_SECOND : ATOM_UNIQUE_FIRST);
    case FN_SYNERGY:    return atom(parts, v, element, ATOM_SYNERGY);
    default: break;
    }
    int x = lower(parts, v->operands[0], element);
    int z = v->count > 1 ? lower(parts, v->operands[1], element) : -1;
    int64_t width = tensor(parts, x)->size;
    switch (v->function) {
    case FN_CE:         return apply(parts, IR_CE,         width, x, z, v);
    case FN_MSE:        return apply(parts, IR_MSE,        width, x, z, v);
    case FN_KL:         return apply(parts, IR_KL,         width, x, z, v);
    case FN_ENTROPY:    return apply(parts, IR_ENTROPY,    width, x, -1, v);
    case FN_CONFIDENCE: return apply(parts, IR_CONFIDENCE, width, x, -1, v);
    case FN_SOFTMAX:    return apply(parts, IR_SOFTMAX,    width, x, -1, v);
    case FN_STOP:       return graph_stop(parts->b, x);
    case FN_EXP:        return combine(parts, COMBINE_EXP, x, -1, v);
    case FN_LOG:        return combine(parts, COMBINE_LOG, x, -1, v);
    default:            mml_ice("function %d on tensors", v->function);
    }
}

static int binary(JointParts *parts, const Value *v, int element) {
    Combination operation = v->op == OP_ADD ? COMBINE_ADD : v->op == OP_SUB ? COMBINE_SUB
                          : v->op == OP_MUL ? COMBINE_MUL : COMBINE_DIV;
    int x = lower(parts, v->operands[0], element);
    int z = lower(parts, v->operands[1], element);
    return combine(parts, operation, x, z, v);
}

static int lower(JointParts *parts, const Value *v, int element) {
    Builder *b = parts->b;
    if (!is_tensor(v->type.kind)) {
        if (v->kind == VALUE_REAL) return graph_constant(b, v->real);
        return graph_number(b, v, element);
    }
    switch (v->kind) {
    case VALUE_JOINT:   return parts->joint;
    case VALUE_HEAD:    return joint_head(parts, v->number);
    case VALUE_SPLIT:   return joint_split(parts, v->number);
    case VALUE_FEATURE: return parts->features[v->number];
    case VALUE_EACH:    return lower(parts, v->operands[element], element);
    case VALUE_AT:      return lower(parts, v->operands[0], (int)v->operands[1]->integer);
    case VALUE_CONVERT: return lower(parts, v->operands[0], element);
    case VALUE_UNARY:   return combine(parts, COMBINE_NEG, lower(parts, v->operands[0], element), -1, v);
    case VALUE_BINARY:  return binary(parts, v, element);
    case VALUE_CALL:    return call(parts, v, element);
    default:            mml_ice("value %d in a loss", v->kind);
    }
}

int loss_lower(JointParts *parts, const Value *value) { return lower(parts, value, 0); }
