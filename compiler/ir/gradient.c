#include "ir/gradient.h"

#include <stdlib.h>
#include <string.h>
#include "ir/kernels.h"
#include "ir/ops.h"

typedef struct {
    Builder *b;
    int     *of;                        /* gradient of each tensor that stood before, -1 */
    int      known;
    char    *reached;                   /* by this sweep                                 */
} Sweep;

static Tensor *tensor(const Sweep *s, int t) { return &s->b->step->tensors.items[t]; }

/* The modality that a group's reverse nodes wait for, -1 for fusion and loss. */
static int gate_of(const Sweep *s, int group) { return group < s->b->modalities ? group : -1; }

static Node *reverse_node(Sweep *s, IrOp op, int group) {
    Node *node = graph_node(s->b, op, group);
    node->guard = gate_of(s, group) >= 0 ? GUARD_ACTIVE : GUARD_NONE;
    return node;
}

static int gradient_tensor(Sweep *s, int of) {
    const Tensor *t = tensor(s, of);
    int g = graph_arena(s->b, t->fixed, t->size, t->group);
    tensor(s, g)->gate = gate_of(s, tensor(s, of)->group);
    return g;
}

/* a + c, both gradients of `of`. */
static int sum(Sweep *s, int of, int a, int c) {
    if (tensor(s, of)->fixed) return graph_fixed(s->b, COMBINE_ADD, a, c);
    int y = gradient_tensor(s, of);
    Node *node = reverse_node(s, IR_ADD, tensor(s, of)->group);
    node->attribute_count = 1;
    node->attributes[0].i = tensor(s, of)->size;
    node->flops = tensor(s, of)->size;
    node_operand(node, 'X', a);
    node_operand(node, 'X', c);
    node_operand(node, 'y', y);
    return y;
}

static void contribute(Sweep *s, int of, int gradient) {
    if (!tensor(s, of)->trained) return;
    s->of[of] = s->of[of] < 0 ? gradient : sum(s, of, s->of[of], gradient);
}

static int parameter_gradient(Sweep *s, int of) {
    if (of < 0) return -1;
    const Tensor *p = tensor(s, of);
    s->reached[p->index] = 1;
    Tensor g = *p;
    g.store   = STORE_GRADIENT;
    g.gate    = p->group;
    g.trained = 0;
    return graph_tensor(s->b, g);
}

/* ---- Arithmetic on fixed floats ---- */

static int fixed(Sweep *s, Combination operation, int x, int z) { return graph_fixed(s->b, operation, x, z); }

static void reverse_fixed(Sweep *s, const Node *node, int y, int g) {
    int x = node->inputs[0], z = node->input_count > 1 ? node->inputs[1] : -1;
    int for_x = -1, for_z = -1;
    int x_learns = tensor(s, x)->trained, z_learns = z >= 0 && tensor(s, z)->trained;
    switch ((Combination)node->attributes[0].i) {
    case COMBINE_ADD: for_x = for_z = g; break;
    case COMBINE_SUB: for_x = g; if (z_learns) for_z = fixed(s, COMBINE_NEG, g, -1); break;
    case COMBINE_MUL:
        if (x_learns) for_x = fixed(s, COMBINE_MUL, g, z);
        if (z_learns) for_z = fixed(s, COMBINE_MUL, g, x);
        break;
    case COMBINE_DIV:
        if (x_learns) for_x = fixed(s, COMBINE_DIV, g, z);
        if (z_learns) for_z = fixed(s, COMBINE_NEG, fixed(s, COMBINE_DIV, fixed(s, COMBINE_MUL, g, y), z), -1);
        break;
    case COMBINE_NEG: for_x = fixed(s, COMBINE_NEG, g, -1); break;
    case COMBINE_EXP: for_x = fixed(s, COMBINE_MUL, g, y); break;
    case COMBINE_LOG: for_x = fixed(s, COMBINE_DIV, g, x); break;
    }
    contribute(s, x, for_x);
    if (z >= 0) contribute(s, z, for_z);
}

/* ---- Kernels ---- */

static int learns(Sweep *s, int t) { return t >= 0 && tensor(s, t)->trained; }

/* Is a product with its parameters, and not an elementwise layer. */
static int is_product(IrOp op) { return op == IR_CONV || op == IR_CONV_BLOCKED || op == IR_LINEAR; }

/* forward: a copy, since adding nodes moves them. */
static void reverse_kernel(Sweep *s, const Node *forward, int g) {
    const OpRow *row = op_row(forward->op);
    int x = forward->input_count > 0 ? forward->inputs[0] : -1, z = forward->input_count > 1 ? forward->inputs[1] : -1;
    int given[NODE_ATTRIBUTES];         /* gradients of the inputs */
    int into_inputs = 0;
    for (int i = 0; i < forward->input_count; i++) {
        int wanted = learns(s, forward->inputs[i]) &&
                     (strchr(row->backward_operands, 'D') || (i == 0 && strchr(row->backward_operands, 'd')) ||
                      (i == 1 && strchr(row->backward_operands, 'e')));
        given[i] = wanted ? gradient_tensor(s, forward->inputs[i]) : -1;
        into_inputs += wanted;
    }
    int w = node_role(forward, 'w'), v = node_role(forward, 'v');
    if (!into_inputs && !learns(s, w) && !learns(s, v)) return;
    int for_w = learns(s, w) ? parameter_gradient(s, w) : -1;
    int for_v = learns(s, v) ? parameter_gradient(s, v) : -1;

    int temporary = graph_temporary(s->b, forward->op, forward->attributes, forward->group);
    Node *node = reverse_node(s, forward->op, forward->group);
    node->frames          = forward->frames;
    node->kernel          = row->backward;
    node->backward        = 1;
    node->attribute_count = forward->attribute_count;
    memcpy(node->attributes, forward->attributes, sizeof node->attributes);
    node->factor          = forward->factor;
    node->span            = forward->span;
    /* one product for the inputs' gradient and one for the parameters', each as large as the forward one */
    node->flops           = forward->flops * ((into_inputs > 0) + (w >= 0 && is_product(forward->op)));
    for (const char *role = row->backward_operands; *role; role++) {
        switch (*role) {
        case 'g': node_operand(node, 'g', g); break;
        case 'x': node_operand(node, 'x', x); break;
        case 'z': node_operand(node, 'z', z); break;
        case 'X': for (int i = 0; i < forward->input_count; i++) node_operand(node, 'X', forward->inputs[i]); break;
        case 'd': node_operand(node, 'd', given[0]); break;
        case 'e': node_operand(node, 'e', z < 0 ? -1 : given[1]); break;
        case 'D': for (int i = 0; i < forward->input_count; i++) node_operand(node, 'D', given[i]); break;
        case 'p': node_operand(node, 'p', temporary); break;
        case '-': node_operand(node, '-', -1); break;
        case 'W': node_operand(node, 'W', for_w); break;
        case 'V': node_operand(node, 'V', for_v); break;
        default:  node_operand(node, *role, node_role(forward, *role)); break;
        }
    }
    for (int i = 0; i < forward->input_count; i++)
        if (given[i] >= 0) contribute(s, forward->inputs[i], given[i]);
}

/* The gradient that the relu behind a blocked convolution lets pass, y: its result. */
static int cut_off(Sweep *s, const Node *forward, int y, int g) {
    int passed = gradient_tensor(s, y);
    Node *node = reverse_node(s, IR_RELU, forward->group);
    node->frames   = forward->frames;
    node->kernel   = op_row(IR_RELU)->backward;
    node->backward = 1;
    node->span     = forward->span;
    node->attribute_count = op_attribute_count(IR_RELU, NULL);
    node->attributes[0].i = tensor(s, y)->size / forward->frames;
    node->flops = tensor(s, y)->size;
    node_operand(node, 'g', g);
    node_operand(node, 'x', y);
    node_operand(node, 'y', y);
    node_operand(node, 'd', passed);
    return passed;
}

static void reverse(Sweep *s, int n) {
    Node node = s->b->step->nodes.items[n];
    int y = node_role(&node, 'y');
    if (y < 0 || y >= s->known || s->of[y] < 0) return;
    int g = s->of[y];
    if (node.op == IR_CONV_BLOCKED && node.attributes[CONV_BLOCKED_RELU].i) g = cut_off(s, &node, y, g);
    const char *operands = op_row(node.op)->backward_operands;
    if (node.op == IR_FIXED) reverse_fixed(s, &node, y, g);
    else if (!strcmp(operands, "="))
        for (int i = 0; i < node.input_count; i++) contribute(s, node.inputs[i], g);
    else if (*operands) reverse_kernel(s, &node, g);
}

/* ---- Zero ---- */

typedef struct { int group; int64_t first, size; } Range;

static int by_place(const void *a, const void *b) {
    int64_t x = ((const Range *)a)->first, y = ((const Range *)b)->first;
    return (x > y) - (x < y);
}

/* A gradient of fewer floats is cheaper zeroed beside its neighbours than apart from them. */
#define WORTH_SETTING 4096

/* Where one convolution alone gives a parameter's gradient it can overwrite what lies there. */
static int set_by_convolution(Sweep *s, int at, int p) {
    Step *step = s->b->step;
    Node *only = NULL;
    if (s->b->program->parameters.items[p].count < WORTH_SETTING) return 0;
    for (int n = at; n < step->nodes.count; n++) {
        Node *node = &step->nodes.items[n];
        for (int i = 0; i < node->operand_count; i++) {
            const Tensor *t = node->operands[i] < 0 ? NULL : tensor(s, node->operands[i]);
            if (!t || t->store != STORE_GRADIENT || t->index != p) continue;
            if (only || node->op != IR_CONV_BLOCKED || node->roles[i] != 'W' || node->group != t->gate) return 0;
            only = node;
        }
    }
    if (only) only->attributes[CONV_BLOCKED_SETS_WEIGHTS].i = 1;
    return only != NULL;
}

/* One node for neighbours of the same group: what lies between two parameters is padding. */
static void zero_reached(Sweep *s, int at) {
    Step *step = s->b->step;
    const Program *program = s->b->program;
    Range *ranges = NEW_ARRAY(s->b->arena, Range, program->parameters.count + 1);
    int count = 0;
    for (int p = 0; p < program->parameters.count; p++) {
        const Parameter *parameter = &program->parameters.items[p];
        if (!s->reached[p]) continue;
        step->reached[p] = 1;
        if (set_by_convolution(s, at, p)) continue;
        ranges[count++] = (Range){parameter->group, parameter->offset, parameter->count};
    }
    qsort(ranges, (size_t)count, sizeof *ranges, by_place);
    int joined = 0;
    for (int i = 0; i < count; i++) {
        Range *last = joined ? &ranges[joined - 1] : NULL;
        if (last && last->group == ranges[i].group && ranges[i].first - (last->first + last->size) < 16)
            last->size = ranges[i].first + ranges[i].size - last->first;
        else
            ranges[joined++] = ranges[i];
    }

    int before = step->nodes.count;
    for (int i = 0; i < joined; i++) {
        int g = graph_tensor(s->b, (Tensor){.store = STORE_GRADIENT, .fixed = 1, .size = ranges[i].size, .index = -1,
                                            .first = ranges[i].first, .group = ranges[i].group, .gate = ranges[i].group});
        Node *node = graph_node(s->b, IR_ZERO, ranges[i].group);
        node->guard = GUARD_ACTIVE;
        node->attribute_count = 2;
        node->attributes[0].i = ranges[i].size;
        node->attributes[1].i = 1;
        node_operand(node, 'y', g);
    }
    /* behind the forward pass, before the sweep that adds to them */
    Node *moved = NEW_ARRAY(s->b->arena, Node, joined + 1);
    memcpy(moved, step->nodes.items + before, sizeof(Node) * (size_t)joined);
    memmove(step->nodes.items + at + joined, step->nodes.items + at, sizeof(Node) * (size_t)(before - at));
    memcpy(step->nodes.items + at, moved, sizeof(Node) * (size_t)joined);
}

void gradient_of(Builder *b, int loss, int from) {
    Sweep s = {.b = b, .known = b->step->tensors.count};
    s.of      = NEW_ARRAY(b->arena, int, s.known + 1);
    s.reached = NEW_ARRAY(b->arena, char, b->program->parameters.count + 1);
    for (int t = 0; t < s.known; t++) s.of[t] = -1;
    if (!tensor(&s, loss)->trained) return;
    s.of[loss] = graph_constant(b, 1);
    int at = b->step->nodes.count;
    for (int n = at - 1; n >= from; n--) reverse(&s, n);
    zero_reached(&s, at);
}
