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

/* Where running statistics normalise, a convolution does that too: none is added up of its result. */
static void normalise_in_convolutions(Layout *l) {
    for (int n = 0; n < l->node_count; n++) {
        int conv = l->blocked[n] && l->nodes[n].op == IR_BATCHNORM ? only_for(l, l->nodes[n].inputs[0], IR_CONV, n) : -1;
        if (conv >= 0) l->fused[conv] = l->fused[n];
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
            int conv = only_for(l, node->inputs[0], IR_CONV, n);
            if (norm >= 0) l->fused[norm] = n;
            if (conv >= 0) l->fused[conv] = n;
            if (add < 0) continue;
            for (int m = 0; m < add; m++)
                if (l->fused[m] == add) l->fused[m] = l->fused[add] = n;
        }
    }
    if (!l->b->step->train) normalise_in_convolutions(l);
}

/* The node of this kind whose work node n does besides its own, -1: none. */
static int fused_into(const Layout *l, int n, IrOp op) {
    for (int m = 0; m < n; m++)
        if (l->fused[m] == n && l->nodes[m].op == op) return m;
    return -1;
}

/* The convolution that node n does or that does the work of n, -1: none. */
static int convolution_of(const Layout *l, int n) { return l->nodes[n].op == IR_CONV ? n : fused_into(l, n, IR_CONV); }

/* What batch norm's result is added to behind it, -1: nothing. */
static int residual_of(const Layout *l, const Node *norm, const Node *add) {
    return add ? add->inputs[add->inputs[0] == result(norm)] : -1;
}

/* ---- Halos ---- */

/* last: what the convolution is fused into; itself without that. */
static void conv_attributes(const Layout *l, const Node *conv, const Node *last, Attribute *a) {
    memcpy(a, conv->attributes, sizeof(Attribute) * 8);
    a[8]  = conv->attributes[10];
    a[9]  = conv->attributes[11];
    a[10].i = block(l);
    a[11].i = reads_plain(l, conv) ? 0 : image_of(l, conv->inputs[0])->halo;
    a[12].i = image_of(l, result(last))->halo;
    a[CONV_BLOCKED_PLAIN_INPUT].i = reads_plain(l, conv);
    a[CONV_BLOCKED_ALGORITHM].i = kernel_algorithm(kernel_choice(conv->attributes, l->b->step->host).algorithm, a);
    a[CONV_BLOCKED_RELU].i = last->op == IR_RELU;
    a[CONV_BLOCKED_SOURCE_RELU].i = a[CONV_BLOCKED_SETS_WEIGHTS].i = 0;
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

/* As one row of floats: halos alike. */
static int widen_alike(Image *x, Image *y) { return widen(y, x->halo) | widen(x, y->halo); }

static int widen_for_convolution(Layout *l, const Node *conv, int n) {
    Attribute a[CONV_BLOCKED_ATTRIBUTES];
    const Node *last = &l->nodes[n];
    int norm = fused_into(l, n, IR_BATCHNORM), add = last->op == IR_ADD ? n : fused_into(l, n, IR_ADD), changed = 0;
    int residual = norm < 0 || add < 0 ? -1 : residual_of(l, &l->nodes[norm], &l->nodes[add]);
    conv_attributes(l, conv, last, a);
    if (!a[CONV_BLOCKED_PLAIN_INPUT].i) changed |= widen(image_of(l, conv->inputs[0]), kernel_in_halo(a));
    if (wants_input_gradient(l, conv)) changed |= widen(image_of(l, result(last)), kernel_out_halo(a));
    if (residual >= 0) changed |= widen_alike(image_of(l, residual), image_of(l, result(last)));
    return changed;
}

static int widen_for(Layout *l, int n) {
    const Node *node = &l->nodes[n];
    int changed = 0, conv = convolution_of(l, n);
    if (conv >= 0) return widen_for_convolution(l, &l->nodes[conv], n);
    if (!keeps_zero(node) || fused_into(l, n, IR_BATCHNORM) >= 0) return 0;
    for (int i = 0; i < node->input_count; i++) changed |= widen_alike(image_of(l, node->inputs[i]), image_of(l, result(node)));
    return changed;
}

/* The smallest halos that suit everybody: they only grow, and no wider than the widest need. */
static void halos(Layout *l) {
    for (int changed = 1; changed;) {
        changed = 0;
        for (int n = 0; n < l->node_count; n++)
            if (l->blocked[n] && l->fused[n] == n) changed |= widen_for(l, n);
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

/* The blocked tensor or, of few channels, the plain one that a convolution reads. */
static int conv_source(Layout *l, const Node *conv) {
    int x = conv->inputs[0];
    if (!reads_plain(l, conv)) return blocked_twin(l, x, conv);
    plain_twin(l, x);
    return x;
}

/* A convolution, and behind it what `last` does: cut off below zero. */
static void put_conv(Layout *l, const Node *conv, const Node *last) {
    Attribute a[CONV_BLOCKED_ATTRIBUTES];
    conv_attributes(l, conv, last, a);
    int x = conv_source(l, conv);
    Operation o = operation(conv, IR_CONV_BLOCKED, a, 1, &x);
    o.parameters[0] = node_role(conv, 'w');
    o.parameters[1] = node_role(conv, 'v');
    if (last != conv) o.flops += last->flops;
    put_blocked(l, &o, result(last));
}

static int statistic_of(const Layout *l, const Node *node, char role) { return tensor(l, node_role(node, role))->index; }

/* Batch norm, and behind it what `last` does: add a residual, cut off below zero. */
static void put_batchnorm(Layout *l, const Node *norm, const Node *add, const Node *last) {
    int relu = last->op == IR_RELU, inputs[] = {blocked_twin(l, norm->inputs[0], norm), -1}, residual = residual_of(l, norm, add);
    const Image *x = image_of(l, norm->inputs[0]), *y = image_of(l, result(last));
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

/* A convolution and batch norm by running statistics, add and last as above. Their operands are more than an Operation has. */
static void put_conv_batchnorm(Layout *l, const Node *conv, const Node *norm, const Node *add, const Node *last) {
    int x = conv_source(l, conv), z = add ? blocked_twin(l, residual_of(l, norm, add), last) : -1;
    Image *y = image_of(l, result(last));
    int to = graph_arena(l->b, 0, blocked_floats(l, y) * conv->frames, norm->group);
    Attribute a[CONV_BLOCKED_ATTRIBUTES + 1];
    conv_attributes(l, conv, last, a);
    a[CONV_BLOCKED_ATTRIBUTES] = norm->attributes[3];
    int packed = graph_temporary(l->b, IR_CONV_BATCHNORM_BLOCKED, a, norm->group);
    Node *node = graph_node(l->b, IR_CONV_BATCHNORM_BLOCKED, norm->group);
    node->attribute_count = CONV_BLOCKED_ATTRIBUTES + 1;
    memcpy(node->attributes, a, sizeof a);
    node->frames = conv->frames;
    node->name   = norm->name;
    node->span   = norm->span;
    node->flops  = conv->flops + norm->flops + (add ? add->flops : 0) + (last->op == IR_RELU ? last->flops : 0);
    node->inputs[node->input_count++] = x;
    if (z >= 0) node->inputs[node->input_count++] = z;
    const int operands[] = {x, z, node_role(conv, 'w'), node_role(conv, 'v'), node_role(norm, 'w'), node_role(norm, 'v'),
                            node_role(norm, 's'), node_role(norm, 't'), to, packed};
    for (const char *role = op_row(node->op)->forward_operands; *role; role++)
        node_operand(node, *role, operands[role - op_row(node->op)->forward_operands]);
    y->blocked = to;
    y->written = 0;
}

/* relu: moved behind the pooling, NULL: none is. */
static void put_pool(Layout *l, const Node *node, const Node *relu) {
    Attribute a[12];
    int from = relu ? relu->inputs[0] : node->inputs[0], input = blocked_twin(l, from, node);
    const Image *x = image_of(l, from), *y = image_of(l, result(node));
    memcpy(a, node->attributes, sizeof(Attribute) * 8);
    a[8].i = block(l), a[9].i = x->halo, a[10].i = y->halo, a[11].i = relu != NULL;
    Operation o = operation(node, node->op == IR_MAXPOOL ? IR_MAXPOOL_BLOCKED : IR_AVGPOOL_BLOCKED, a, 1, &input);
    if (relu) o.flops += y->frames * y->channels * y->height * y->width;
    put_blocked(l, &o, result(node));
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

static const Node *node_at(const Layout *l, int n) { return n < 0 ? NULL : &l->nodes[n]; }

static void put(Layout *l, int n) {
    const Node *node = &l->nodes[n];
    const Node *conv = node_at(l, convolution_of(l, n)), *norm = node_at(l, fused_into(l, n, IR_BATCHNORM));
    const Node *add = node_at(l, node->op == IR_ADD ? n : fused_into(l, n, IR_ADD));
    if (node->op == IR_BATCHNORM) norm = node;
    if (l->fused[n] != n) return;
    if (!l->blocked[n]) put_plain(l, node);
    else if (conv && norm) put_conv_batchnorm(l, conv, norm, add, node);
    else if (conv) put_conv(l, conv, node);
    else if (norm) put_batchnorm(l, norm, add, node);
    else switch (node->op) {
    case IR_MAXPOOL: case IR_AVGPOOL: put_pool(l, node, node_at(l, fused_into(l, n, IR_RELU))); break;
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
