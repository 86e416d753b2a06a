#include "ir/graph.h"

#include <string.h>
#include "ir/kernels.h"
#include "ir/ops.h"

Builder builder_new(Arena *arena, const Program *program, Step *step) {
    Builder b = {.arena = arena, .program = program, .step = step, .modalities = program->modalities.count};
    b.parameters = NEW_ARRAY(arena, int, program->parameters.count + 1);
    for (int i = 0; i < program->parameters.count; i++) b.parameters[i] = -1;
    return b;
}

/* ---- Tensors ---- */

int graph_tensor(Builder *b, Tensor tensor) {
    tensor.producer = tensor.begin = tensor.end = tensor.alias = -1;
    VECTOR_PUSH(b->arena, &b->step->tensors, tensor);
    return b->step->tensors.count - 1;
}

int graph_arena(Builder *b, int fixed, int64_t size, int group) {
    return graph_tensor(b, (Tensor){.store = STORE_ARENA, .fixed = fixed, .size = size, .index = -1, .group = group, .gate = -1});
}

int graph_input(Builder *b, int modality) {
    int64_t size = shape_count(b->program->modalities.items[modality].shape);
    return graph_tensor(b, (Tensor){.store = STORE_INPUT, .size = size, .index = modality, .group = modality, .gate = -1});
}

int graph_parameter(Builder *b, int parameter) {
    if (parameter < 0) return -1;
    if (b->parameters[parameter] < 0) {
        const Parameter *p = &b->program->parameters.items[parameter];
        b->parameters[parameter] = graph_tensor(b, (Tensor){
            .store = STORE_PARAMETER, .fixed = 1, .size = p->count, .index = parameter, .first = p->offset,
            .group = p->group, .gate = -1, .trained = 1});
    }
    return b->parameters[parameter];
}

int graph_column(Builder *b, int parameter, int64_t column) {
    if (column == 0) return graph_parameter(b, parameter);
    Tensor view = b->step->tensors.items[graph_parameter(b, parameter)];
    view.first += column;
    view.size  -= column;
    return graph_tensor(b, view);
}

static int statistic(Builder *b, int index) {
    if (index < 0) return -1;
    const Statistic *s = &b->program->statistics.items[index];
    return graph_tensor(b, (Tensor){.store = STORE_STATISTIC, .fixed = 1, .size = s->count, .index = index,
                                    .first = s->offset, .group = s->group, .gate = -1});
}

int graph_stop(Builder *b, int x) {
    Tensor stopped = b->step->tensors.items[x];
    if (!stopped.trained) return x;
    for (int t = 0; t < b->step->tensors.count; t++) {
        const Tensor *other = &b->step->tensors.items[t];
        if (other->alias == x && !other->trained) return t;
    }
    stopped.trained = 0;
    int t = graph_tensor(b, stopped);
    b->step->tensors.items[t].alias = x;
    return t;
}

/* ---- Nodes ---- */

Node *graph_node(Builder *b, IrOp op, int group) {
    Node node = {.op = op, .kernel = op_row(op)->forward, .group = group, .frames = 1, .factor = -1};
    if (b->step->unimodal && group >= 0 && group < b->modalities) node.guard = GUARD_FORWARD;
    VECTOR_PUSH(b->arena, &b->step->nodes, node);
    return &b->step->nodes.items[b->step->nodes.count - 1];
}

void node_operand(Node *node, char role, int tensor) {
    if (node->operand_count == NODE_OPERANDS) mml_ice("a node of more than %d operands", NODE_OPERANDS);
    node->operands[node->operand_count] = tensor;
    node->roles[node->operand_count++] = role;
}

int node_role(const Node *node, char role) {
    const char *at = strchr(node->roles, role);
    return at && role ? node->operands[at - node->roles] : -1;
}

int graph_readers(const Step *step, int t) {
    int count = 0;
    for (int n = 0; n < step->nodes.count; n++) {
        const Node *node = &step->nodes.items[n];
        for (int i = 0; i < node->operand_count; i++) count += node->operands[i] == t && !node_writes(node, i);
        count += node->factor == t;
    }
    return count;
}

Node *graph_writer(const Step *step, int t) {
    for (int n = 0; t >= 0 && n < step->nodes.count; n++) {
        Node *node = &step->nodes.items[n];
        for (int i = 0; i < node->operand_count; i++)
            if (node->operands[i] == t && node_writes(node, i)) return node;
    }
    return NULL;
}

static int same_operation(const Node *node, const Operation *o) {
    int count = op_attribute_count(o->op, o->attributes);
    if (node->op != o->op || node->backward || node->group != o->group || node->factor != o->factor) return 0;
    if (node->input_count != o->input_count || node->attribute_count != count) return 0;
    if (o->input_count && memcmp(node->inputs, o->inputs, sizeof(int) * (size_t)o->input_count)) return 0;
    return !count || !memcmp(node->attributes, o->attributes, sizeof(Attribute) * (size_t)count);
}

/* Losses are written for people, who say `confidence(split[m])` twice: compute it once. */
static int find_equal(const Builder *b, const Operation *o) {
    if (o->group != -1) return -1;
    for (int n = 0; n < b->step->nodes.count; n++)
        if (same_operation(&b->step->nodes.items[n], o)) return node_role(&b->step->nodes.items[n], 'y');
    return -1;
}

static int result_tensor(Builder *b, const Operation *o, char form, int trained) {
    int fixed   = form == 'y' ? o->fixed : form == 'l' || form == 'c';
    int64_t size = form == 'y' ? o->size : form == 'c' || form == 'k' ? o->attributes[0].i : 1;
    if (!fixed && o->frames) size *= o->frames;
    int t = graph_arena(b, fixed, size, o->group);
    b->step->tensors.items[t].trained = trained;
    return t;
}

int graph_temporary(Builder *b, IrOp op, const Attribute *attributes, int group) {
    int64_t floats = kernel_temporary(op, attributes);
    return floats ? graph_arena(b, 1, floats, group) : -1;
}

int graph_apply(Builder *b, const Operation *o) {
    int found = find_equal(b, o);
    if (found >= 0) return found;

    const OpRow *row = op_row(o->op);
    int trained = o->parameters[0] >= 0 || o->parameters[1] >= 0;
    for (int i = 0; i < o->input_count; i++)
        if (o->inputs[i] >= 0) trained |= b->step->tensors.items[o->inputs[i]].trained;
    int saved[2] = {-1, -1};
    int y = result_tensor(b, o, row->result, trained);
    for (int i = 0; row->saved[i]; i++) saved[i] = result_tensor(b, o, row->saved[i], 0);
    int temporary = graph_temporary(b, o->op, o->attributes, o->group);
    int statistics[2] = {statistic(b, o->statistics[0]), statistic(b, o->statistics[1])};

    Node *node = graph_node(b, o->op, o->group);
    node->attribute_count = op_attribute_count(o->op, o->attributes);
    for (int i = 0; i < node->attribute_count; i++) node->attributes[i] = o->attributes[i];
    for (int i = 0; i < o->input_count; i++) node->inputs[node->input_count++] = o->inputs[i];
    if (o->frames) node->frames = o->frames;
    node->factor = o->factor;
    node->name   = o->name;
    node->flops  = o->flops;
    node->span   = o->span;
    for (const char *role = row->forward_operands; *role; role++) {
        switch (*role) {
        case 'x': node_operand(node, 'x', o->input_count > 0 ? o->inputs[0] : -1); break;
        case 'z': node_operand(node, 'z', o->input_count > 1 ? o->inputs[1] : -1); break;
        case 'X': for (int i = 0; i < o->input_count; i++) node_operand(node, 'X', o->inputs[i]); break;
        case 'w': node_operand(node, 'w', o->parameters[0]); break;
        case 'v': node_operand(node, 'v', o->parameters[1]); break;
        case 's': node_operand(node, 's', statistics[0]); break;
        case 't': node_operand(node, 't', statistics[1]); break;
        case 'm': node_operand(node, 'm', saved[0]); break;
        case 'n': node_operand(node, 'n', saved[1]); break;
        case 'y': node_operand(node, 'y', y); break;
        case 'p': node_operand(node, 'p', temporary); break;
        default:  mml_ice("operand letter '%c' of %s", *role, row->name);
        }
    }
    return y;
}

/* ---- Fixed floats ---- */

static int number(Builder *b, const Value *value, int element, double constant) {
    for (int n = 0; n < b->step->nodes.count; n++) {
        const Node *node = &b->step->nodes.items[n];
        if (node->op == IR_NUMBER && node->value == value && node->element == element && node->constant == constant)
            return node_role(node, 'y');
    }
    int y = graph_arena(b, 1, 1, -1);
    Node *node = graph_node(b, IR_NUMBER, -1);
    node->value    = value;
    node->element  = element;
    node->constant = constant;
    if (value) node->span = value->span;
    node_operand(node, 'y', y);
    return y;
}

int graph_constant(Builder *b, double constant) { return number(b, NULL, 0, constant); }
int graph_number(Builder *b, const Value *value, int element) { return number(b, value, element, 0); }

int graph_fixed(Builder *b, Combination operation, int x, int z) {
    Attribute attributes[] = {{.i = operation}};
    int inputs[] = {x, z};
    return graph_apply(b, &(Operation){.op = IR_FIXED, .attributes = attributes, .input_count = z < 0 ? 1 : 2,
        .inputs = inputs, .parameters = {-1, -1}, .statistics = {-1, -1}, .group = -1, .factor = -1});
}

/* ---- Networks ---- */

int graph_network(Builder *b, const Network *network, const int *inputs, int group, const char *prefix) {
    int *results = NEW_ARRAY(b->arena, int, network->layers.count + 1);
    int last = inputs[0];
    for (int l = 0; l < network->layers.count; l++) {
        const Layer *layer = &network->layers.items[l];
        int operands[NODE_ATTRIBUTES];
        if (layer->inputs.count > NODE_ATTRIBUTES - 1) mml_ice("a layer of %d inputs", layer->inputs.count);
        for (int i = 0; i < layer->inputs.count; i++) {
            int from = layer->inputs.items[i];
            operands[i] = from >= 0 ? results[from] : inputs[-1 - from];
        }
        if (layer->kind == LAYER_FLATTEN || layer->kind == LAYER_IDENTITY) {
            last = results[l] = operands[0];
            continue;
        }
        Attribute attributes[NODE_ATTRIBUTES];
        int64_t frames = layer->frames, size = shape_count(layer->shape);
        memcpy(attributes, layer->attr, sizeof attributes);
        if (layer->kind == LAYER_DROPOUT) {      /* its mask is drawn by sample: a sample's frames are one row to it */
            attributes[0].i *= frames;
            size *= frames;
            frames = 1;
        }
        last = results[l] = graph_apply(b, &(Operation){
            .op = op_of_layer(layer->kind), .attributes = attributes,
            .input_count = layer->inputs.count, .inputs = operands,
            .parameters = {graph_parameter(b, layer->parameters[0]), graph_parameter(b, layer->parameters[1])},
            .statistics = {layer->statistics[0], layer->statistics[1]},
            .size = size, .frames = frames, .group = group, .factor = -1,
            .name = layer->name && *layer->name ? arena_printf(b->arena, "%s.%s", prefix, layer->name) : prefix,
            .flops = layer->flops, .span = layer->span});
    }
    return last;
}
