#include "ir/layout.h"

#include <string.h>
#include "ir/kernels.h"
#include "ir/memory.h"
#include "ir/ops.h"

/* A tensor that stood before the pass. */
typedef struct {
    int64_t channels, height, width;    /* 0: no image                                   */
    int64_t frames;                     /* images of a sample                            */
    int     blocked;                    /* its blocked twin, -1: none yet                */
    int     written;                    /* the plain one holds its numbers               */
    int     want;                       /* its producer writes it in the blocked layout  */
    int     readers;
    int64_t halo;                       /* of the twin                                   */
} Image;

typedef struct {
    Builder *b;
    Node    *nodes;                     /* the forward nodes before the pass             */
    int      node_count, known;
    Image   *images;                    /* [known]                                       */
    int     *fused;                     /* [node_count] node that does this one's work: itself, or a later one */
    char    *blocked;                   /* [node_count]                                  */
} Layout;

static Tensor *tensor(const Layout *l, int t) { return &l->b->step->tensors.items[t]; }
static int64_t block(const Layout *l) { return l->b->step->host.block; }
static int     result(const Node *node) { return node_role(node, 'y'); }

/* The tensor whose numbers t shows: a stopped one is a view. */
static int source(const Layout *l, int t) { return t < 0 ? t : memory_root(l->b->step, t); }

static Image *image_of(const Layout *l, int t) { return &l->images[source(l, t)]; }

/* ---- Shapes ---- */

static int changes_no_shape(IrOp op) {
    switch (op) {
    case IR_BATCHNORM: case IR_RELU: case IR_LEAKY_RELU: case IR_GELU: case IR_TANH: case IR_SIGMOID: case IR_SOFTPLUS:
    case IR_SMOOTHED_RELU: case IR_SCALE: case IR_DROPOUT: case IR_ADD: return 1;
    default: return 0;
    }
}

static void shape_of_result(Layout *l, const Node *node) {
    const Attribute *a = node->attributes;
    Image *y = result(node) < 0 ? NULL : image_of(l, result(node));
    if (!y) return;
    Image *x = node->input_count && node->inputs[0] >= 0 ? image_of(l, node->inputs[0]) : NULL;
    int64_t channels = 0, height = 0, width = 0;
    if (node->op == IR_CONV && !x->channels) {      /* behind concat, a global mean … */
        x->channels = a[0].i, x->height = a[1].i, x->width = a[2].i;
        x->frames = node->frames;
    }
    if (node->op == IR_CONV) {
        channels = a[3].i, height = a[10].i, width = a[11].i;
    } else if (node->op == IR_MAXPOOL || node->op == IR_AVGPOOL) {
        channels = a[0].i, height = a[6].i, width = a[7].i;
    } else if ((changes_no_shape(node->op) || node->op == IR_MEAN_FRAMES) && x) {
        channels = x->channels, height = x->height, width = x->width;
    }
    y->channels = channels, y->height = height, y->width = width;
    y->frames = changes_no_shape(node->op) && x && x->channels ? x->frames : node->frames;
}

static void shapes(Layout *l) {
    const Program *program = l->b->program;
    for (int t = 0; t < l->known; t++) {
        l->images[t] = (Image){.blocked = -1, .written = 1, .frames = 1};
        if (tensor(l, t)->store != STORE_INPUT) continue;
        Shape shape = program->modalities.items[tensor(l, t)->index].shape;
        if (shape.rank != 3 && shape.rank != 4) continue;
        const int64_t *plane = &shape.size[shape.rank - 3];
        l->images[t].channels = plane[0], l->images[t].height = plane[1], l->images[t].width = plane[2];
        if (shape.rank == 4) l->images[t].frames = shape.size[0];
    }
    for (int n = 0; n < l->node_count; n++) shape_of_result(l, &l->nodes[n]);
}

/* ---- Who runs on blocked tensors ---- */

/* Layers whose kernels take a blocked tensor as it lies: nothing becomes of zero. */
static int keeps_zero(const Node *node) {
    switch (node->op) {
    case IR_RELU: case IR_LEAKY_RELU: case IR_GELU: case IR_TANH: case IR_SCALE: case IR_ADD: return 1;
    default: return 0;
    }
}

static int inputs_wanted(const Layout *l, const Node *node) {
    int any = 0;
    for (int i = 0; i < node->input_count; i++) {
        if (node->inputs[i] < 0 || !image_of(l, node->inputs[i])->channels) return 0;
        any |= image_of(l, node->inputs[i])->want && tensor(l, node->inputs[i])->alias < 0;
    }
    return any;
}

static int runs_blocked(const Layout *l, const Node *node) {
    if (node->factor >= 0) return 0;
    switch (node->op) {
    case IR_CONV:    return kernel_choice(node->attributes, l->b->step->host).algorithm != ALGORITHM_REFERENCE;
    case IR_MAXPOOL: case IR_AVGPOOL: case IR_GLOBAL_AVGPOOL: case IR_BATCHNORM: return inputs_wanted(l, node);
    default:         return keeps_zero(node) && inputs_wanted(l, node);
    }
}

/* How many nodes run blocked. */
static int decide(Layout *l) {
    int count = 0;
    for (int n = 0; n < l->node_count; n++) {
        const Node *node = &l->nodes[n];
        l->fused[n]   = n;
        l->blocked[n] = (char)runs_blocked(l, node);
        count += l->blocked[n];
        if (l->blocked[n] && node->op != IR_GLOBAL_AVGPOOL) image_of(l, result(node))->want = 1;
        for (int i = 0; i < node->operand_count; i++)
            if (node->operands[i] >= 0 && !node_writes(node, i)) image_of(l, node->operands[i])->readers++;
        if (node->factor >= 0) image_of(l, node->factor)->readers++;
    }
    return count;
}

/* The first layer reads its input as it is. */
static int reads_plain(const Layout *l, const Node *conv) {
    return conv->attributes[0].i <= KERNEL_PLAIN_CHANNELS && !image_of(l, conv->inputs[0])->want;
}

/* ---- Fusion: batch norm, the sum behind it, the relu behind that ---- */

static int producer(const Layout *l, int t) {
    for (int n = 0; n < l->node_count; n++)
        if (result(&l->nodes[n]) == t) return n;
    return -1;
}

static int is_result(const Layout *l, int t) {
    const Step *step = l->b->step;
    for (int m = 0; m < MML_MAX_MODALITIES; m++)
        if (step->features[m] == t) return 1;
    for (int g = 0; g <= MML_MAX_MODALITIES; g++)
        if (step->logits[g] == t) return 1;
    return step->prediction == t || step->loss == t;
}

/* The blocked node of this kind that alone is read by `reader` as t, or -1. */
static int only_for(const Layout *l, int t, IrOp op, int reader) {
    int n = tensor(l, t)->alias < 0 ? producer(l, t) : -1;
    int fits = n >= 0 && l->blocked[n] && l->nodes[n].op == op && l->fused[n] == n && image_of(l, t)->readers == 1 &&
               !is_result(l, t) && l->nodes[n].group == l->nodes[reader].group;
    return fits ? n : -1;
}

/* Which input of a sum of two the batch norm behind it writes, -1: none does. */
static int normalised_input(const Layout *l, int add) {
    for (int i = 0; i < 2; i++)
        if (only_for(l, l->nodes[add].inputs[i], IR_BATCHNORM, add) >= 0) return i;
    return -1;
}

/* The maximum of what relu lets pass is what relu lets pass of the maximum: behind the pooling relu has less to do,
 * and its input need not be kept. Where the maximum is not positive no gradient gets through either way. */
static void move_relus(Layout *l) {
    for (int n = 0; n < l->node_count; n++) {
        int relu = l->blocked[n] && l->nodes[n].op == IR_MAXPOOL ? only_for(l, l->nodes[n].inputs[0], IR_RELU, n) : -1;
        if (relu >= 0) l->fused[relu] = n;
    }
}

static void fuse(Layout *l) {
    move_relus(l);
    for (int n = 0; n < l->node_count; n++) {
        const Node *node = &l->nodes[n];
        if (!l->blocked[n] || l->fused[n] != n) continue;
        if (node->op == IR_ADD) {
            int i = normalised_input(l, n);
            if (i >= 0) l->fused[only_for(l, node->inputs[i], IR_BATCHNORM, n)] = n;
        } else if (node->op == IR_RELU) {
            int norm = only_for(l, node->inputs[0], IR_BATCHNORM, n), add = only_for(l, node->inputs[0], IR_ADD, n);
            if (norm >= 0) l->fused[norm] = n;
            if (add < 0) continue;
            for (int m = 0; m < add; m++)
                if (l->fused[m] == add) l->fused[m] = l->fused[add] = n;
        }
    }
}

/* The batch norm whose work node n does besides its own, -1: none. */
static int fused_into(const Layout *l, int n, IrOp op) {
    for (int m = 0; m < n; m++)
        if (l->fused[m] == n && l->nodes[m].op == op) return m;
    return -1;
}

/* ---- Halos ---- */

static void conv_attributes(const Layout *l, const Node *conv, Attribute *a) {
    memcpy(a, conv->attributes, sizeof(Attribute) * 8);
    a[8]  = conv->attributes[10];
    a[9]  = conv->attributes[11];
    a[10].i = block(l);
    a[11].i = reads_plain(l, conv) ? 0 : image_of(l, conv->inputs[0])->halo;
    a[12].i = image_of(l, result(conv))->halo;
    a[14].i = reads_plain(l, conv);
    a[13].i = kernel_algorithm(kernel_choice(conv->attributes, l->b->step->host).algorithm, a);
}

static int widen(Image *image, int64_t halo) {
    if (image->halo >= halo) return 0;
    image->halo = halo;
    return 1;
}

/* Not where normalised_input.h spares it. */
static int wants_input_gradient(const Layout *l, const Node *conv) {
    int x = conv->inputs[0], norm = reads_plain(l, conv) ? producer(l, x) : -1;
    if (!l->b->step->train || !tensor(l, x)->trained) return 0;
    return norm < 0 || l->nodes[norm].op != IR_BATCHNORM || tensor(l, l->nodes[norm].inputs[0])->trained || image_of(l, x)->readers > 1;
}

static int widen_for(Layout *l, const Node *node) {
    int changed = 0;
    if (node->op == IR_CONV) {
        Attribute a[15];
        conv_attributes(l, node, a);
        if (!a[14].i) changed |= widen(image_of(l, node->inputs[0]), kernel_in_halo(a));
        if (wants_input_gradient(l, node)) changed |= widen(image_of(l, result(node)), kernel_out_halo(a));
    } else if (keeps_zero(node)) {          /* these take x and y as one row of floats */
        Image *y = image_of(l, result(node));
        for (int i = 0; i < node->input_count; i++) {
            changed |= widen(y, image_of(l, node->inputs[i])->halo);
            changed |= widen(image_of(l, node->inputs[i]), y->halo);
        }
    }
    return changed;
}

/* The smallest halos that suit everybody: they only grow, and no wider than the widest need. */
static void halos(Layout *l) {
    for (int changed = 1; changed;) {
        changed = 0;
        for (int n = 0; n < l->node_count; n++)
            if (l->blocked[n] && l->fused[n] == n && fused_into(l, n, IR_BATCHNORM) < 0) changed |= widen_for(l, &l->nodes[n]);
    }
}

/* ---- The new nodes ---- */

static int64_t blocked_floats(const Layout *l, const Image *image) {
    int64_t blocks = (image->channels + block(l) - 1) / block(l);
    return blocks * (image->height + 2 * image->halo) * (image->width + 2 * image->halo) * block(l);
}

/* channels height width block halo: of both reorder kernels. */
static void image_attributes(const Layout *l, const Image *image, Attribute *a) {
    a[0].i = image->channels, a[1].i = image->height, a[2].i = image->width, a[3].i = block(l), a[4].i = image->halo;
}

static Operation operation(const Node *like, IrOp op, const Attribute *attributes, int input_count, const int *inputs) {
    return (Operation){.op = op, .attributes = attributes, .input_count = input_count, .inputs = inputs, .parameters = {-1, -1},
                       .statistics = {-1, -1}, .frames = like->frames, .group = like->group, .factor = -1, .name = like->name,
                       .flops = like->flops, .span = like->span};
}

/* The blocked twin of t, reordered when there is none yet. reader: on whose behalf. */
static int blocked_twin(Layout *l, int t, const Node *reader) {
    Image *image = image_of(l, t);
    if (image->blocked < 0) {
        Attribute a[5];
        int root = source(l, t);
        image_attributes(l, image, a);
        Operation reorder = operation(reader, IR_REORDER_IN, a, 1, &root);
        reorder.group = tensor(l, root)->group;
        reorder.size  = blocked_floats(l, image);
        reorder.frames = image->frames;
        reorder.name  = NULL;
        reorder.flops = 0;
        image->blocked = graph_apply(l->b, &reorder);
    }
    return tensor(l, t)->alias < 0 ? image->blocked : graph_stop(l->b, image->blocked);
}

/* Writes the plain t from its twin where nothing has yet. */
static void plain_twin(Layout *l, int t) {
    Image *image = image_of(l, t);
    if (image->written) return;
    image->written = 1;
    Node *node = graph_node(l->b, IR_REORDER_OUT, tensor(l, source(l, t))->group);
    image_attributes(l, image, node->attributes);
    node->attribute_count = 5;
    node->frames = image->frames;
    node->inputs[node->input_count++] = image->blocked;
    node_operand(node, 'x', image->blocked);
    node_operand(node, 'y', source(l, t));
}

static void put_plain(Layout *l, const Node *node) {
    for (int i = 0; i < node->operand_count; i++)
        if (node->operands[i] >= 0 && !node_writes(node, i)) plain_twin(l, node->operands[i]);
    if (node->factor >= 0) plain_twin(l, node->factor);
    VECTOR_PUSH(l->b->arena, &l->b->step->nodes, *node);
}

static void put_blocked(Layout *l, Operation *o, int y) {
    Image *image = image_of(l, y);
    o->size = blocked_floats(l, image);
    image->blocked = graph_apply(l->b, o);
    image->written = 0;
}

static void put_conv(Layout *l, const Node *node) {
    Attribute a[15];
    conv_attributes(l, node, a);
    int x = node->inputs[0];
    if (a[14].i) plain_twin(l, x);
    else x = blocked_twin(l, x, node);
    Operation o = operation(node, IR_CONV_BLOCKED, a, 1, &x);
    o.parameters[0] = node_role(node, 'w');
    o.parameters[1] = node_role(node, 'v');
    put_blocked(l, &o, result(node));
}

static int statistic_of(const Layout *l, const Node *node, char role) { return tensor(l, node_role(node, role))->index; }

/* Batch norm, and behind it what `last` does: add a residual, cut off below zero. */
static void put_batchnorm(Layout *l, const Node *norm, const Node *add, const Node *last) {
    int relu = last->op == IR_RELU, inputs[] = {blocked_twin(l, norm->inputs[0], norm), -1};
    const Image *x = image_of(l, norm->inputs[0]), *y = image_of(l, result(last));
    int residual = add ? add->inputs[add->inputs[0] == result(norm)] : -1;
    if (add) inputs[1] = blocked_twin(l, residual, last);
    Attribute a[] = {{.i = x->channels}, {.i = x->height}, {.i = x->width}, norm->attributes[2], norm->attributes[3], norm->attributes[4],
                     {.i = block(l)}, {.i = x->halo}, {.i = y->halo}, {.i = residual < 0 ? 0 : image_of(l, residual)->halo}, {.i = relu}};
    Operation o = operation(norm, relu ? IR_BATCHNORM_RELU_BLOCKED : IR_BATCHNORM_BLOCKED, a, add ? 2 : 1, inputs);
    o.parameters[0] = node_role(norm, 'w');
    o.parameters[1] = node_role(norm, 'v');
    o.statistics[0] = statistic_of(l, norm, 's');
    o.statistics[1] = statistic_of(l, norm, 't');
    o.flops = norm->flops + (add ? add->flops : 0) + (relu ? last->flops : 0);
    put_blocked(l, &o, result(last));
}

/* relu: moved behind the pooling, NULL: none is. */
static void put_pool(Layout *l, const Node *node, const Node *relu) {
    Attribute a[11];
    int from = relu ? relu->inputs[0] : node->inputs[0], input = blocked_twin(l, from, node);
    const Image *x = image_of(l, from), *y = image_of(l, result(node));
    memcpy(a, node->attributes, sizeof(Attribute) * 8);
    a[8].i = block(l), a[9].i = x->halo, a[10].i = y->halo;
    Operation o = operation(node, node->op == IR_MAXPOOL ? IR_MAXPOOL_BLOCKED : IR_AVGPOOL_BLOCKED, a, 1, &input);
    put_blocked(l, &o, result(node));
    if (!relu) return;
    Attribute size[3] = {{.i = o.size}, relu->attributes[1], relu->attributes[2]};
    int pooled = y->blocked;
    Operation cut = operation(relu, IR_RELU, size, 1, &pooled);
    cut.flops = y->frames * y->channels * y->height * y->width;
    put_blocked(l, &cut, result(node));
}

/* Its result is plain and keeps its number. */
static void put_global_avgpool(Layout *l, const Node *old) {
    int input = blocked_twin(l, old->inputs[0], old);
    Node node = *old;
    node.op     = IR_GLOBAL_AVGPOOL_BLOCKED;
    node.kernel = op_row(node.op)->forward;
    node.attribute_count = 5;
    image_attributes(l, image_of(l, old->inputs[0]), node.attributes);
    node.inputs[0] = node.operands[0] = input;
    VECTOR_PUSH(l->b->arena, &l->b->step->nodes, node);
}

static void put_elementwise(Layout *l, const Node *node) {
    Attribute a[NODE_ATTRIBUTES];
    int inputs[NODE_ATTRIBUTES];
    for (int i = 0; i < node->input_count; i++) inputs[i] = blocked_twin(l, node->inputs[i], node);
    memcpy(a, node->attributes, sizeof a);
    a[0].i = blocked_floats(l, image_of(l, result(node)));
    Operation o = operation(node, node->op, a, node->input_count, inputs);
    put_blocked(l, &o, result(node));
}

static void put(Layout *l, int n) {
    const Node *node = &l->nodes[n];
    int norm = fused_into(l, n, IR_BATCHNORM), relu = fused_into(l, n, IR_RELU), add = node->op == IR_ADD ? n : fused_into(l, n, IR_ADD);
    if (l->fused[n] != n) return;
    if (!l->blocked[n]) put_plain(l, node);
    else if (norm >= 0) put_batchnorm(l, &l->nodes[norm], add >= 0 ? &l->nodes[add] : NULL, node);
    else switch (node->op) {
    case IR_CONV:                     put_conv(l, node); break;
    case IR_BATCHNORM:                put_batchnorm(l, node, NULL, node); break;
    case IR_MAXPOOL: case IR_AVGPOOL: put_pool(l, node, relu >= 0 ? &l->nodes[relu] : NULL); break;
    case IR_GLOBAL_AVGPOOL:           put_global_avgpool(l, node); break;
    default:                          put_elementwise(l, node); break;
    }
}

/* What the caller reads is plain. */
static void put_results(Layout *l) {
    for (int t = 0; t < l->known; t++)
        if (is_result(l, t)) plain_twin(l, t);
}

void layout_blocked(Builder *b, int from) {
    Step *step = b->step;
    if (!step->host.block) return;
    Layout l = {.b = b, .node_count = step->nodes.count - from, .known = step->tensors.count};
    l.nodes   = NEW_ARRAY(b->arena, Node, l.node_count + 1);
    l.images  = NEW_ARRAY(b->arena, Image, l.known + 1);
    l.fused   = NEW_ARRAY(b->arena, int, l.node_count + 1);
    l.blocked = NEW_ARRAY(b->arena, char, l.node_count + 1);
    memcpy(l.nodes, step->nodes.items + from, sizeof(Node) * (size_t)l.node_count);
    shapes(&l);
    if (!decide(&l)) return;
    fuse(&l);
    halos(&l);
    step->nodes.count = from;
    for (int n = 0; n < l.node_count; n++) put(&l, n);
    put_results(&l);
    step->rewritten = 1;
}
