#include "codegen/step.h"

#include <math.h>
#include <stddef.h>
#include <string.h>
#include "codegen/values.h"
#include "ir/branches.h"
#include "ir/graph.h"
#include "ir/memory.h"
#include "ir/ops.h"

typedef struct {
    Gen              *g;
    const Step       *step;
    ValueScope        scope;
    LLVMValueRef      frame, arena, capacity, operands;
    LLVMBasicBlockRef entry;            /* open: what is computed once goes here            */
    LLVMValueRef      stores[STORE_STATISTIC + 1];      /* bases outside the arena          */
    LLVMValueRef      forward[MML_MAX_MODALITIES + 1], active[MML_MAX_MODALITIES + 1];
    struct { int64_t frames; LLVMValueRef frame; } clips[MML_MAX_MODALITIES];      /* frame_over */
    int               clip_count;
    int               traced;           /* nodes with a name so far                         */
    const LLVMValueRef *regions;        /* the step's own: table of each region's branches  */
} Emitter;

/* ---- What is computed once, in the entry block ---- */

static LLVMBasicBlockRef at_entry(Emitter *e) {
    LLVMBasicBlockRef here = LLVMGetInsertBlock(e->g->builder);
    LLVMPositionBuilderAtEnd(e->g->builder, e->entry);
    return here;
}

static void back(Emitter *e, LLVMBasicBlockRef here) { LLVMPositionBuilderAtEnd(e->g->builder, here); }

static LLVMValueRef frame_word(Emitter *e, LLVMTypeRef type, size_t offset) { return gen_load(e->g, type, e->frame, offset); }

static LLVMValueRef base_of(Emitter *e, Store store) {
    static const size_t offsets[] = {
        [STORE_PARAMETER] = offsetof(MmlFrame, parameters), [STORE_GRADIENT] = offsetof(MmlFrame, gradients),
        [STORE_STATISTIC] = offsetof(MmlFrame, statistics), [STORE_INPUT] = offsetof(MmlFrame, inputs),
    };
    if (e->stores[store]) return e->stores[store];
    LLVMBasicBlockRef here = at_entry(e);
    e->stores[store] = frame_word(e, e->g->pointer, offsets[store]);
    back(e, here);
    return e->stores[store];
}

/* arena + o, or arena + fixed_bytes + capacity * o. */
static LLVMValueRef arena_pointer(Emitter *e, const Tensor *t) {
    Gen *g = e->g;
    if (t->fixed) return gen_field(g, e->arena, (size_t)t->offset);
    LLVMValueRef offset = LLVMBuildMul(g->builder, e->capacity, gen_int(g, t->offset), "");
    LLVMValueRef batch  = gen_field(g, e->arena, (size_t)e->step->fixed_bytes);
    return t->offset ? LLVMBuildInBoundsGEP2(g->builder, g->i8, batch, &offset, 1, "") : batch;
}

/* Computed where it is used: hundreds of pointers alive from the entry on cost the register
 * allocator more than all other passes together. */
static LLVMValueRef pointer(Emitter *e, int t) {
    Gen *g = e->g;
    const Tensor *tensor = &e->step->tensors.items[memory_root(e->step, t)];
    switch (tensor->store) {
    case STORE_ARENA: return arena_pointer(e, tensor);
    case STORE_INPUT: return gen_load(g, g->pointer, base_of(e, STORE_INPUT), (size_t)tensor->index * 8);
    default:          return gen_field(g, base_of(e, tensor->store), (size_t)tensor->first * 4);
    }
}

/* frame->forward[group] and frame->active[group] as i1. In a unimodal step nothing is behind what did not run forward. */
static LLVMValueRef flag(Emitter *e, Guard guard, int group) {
    Gen *g = e->g;
    LLVMValueRef *known = guard == GUARD_FORWARD ? &e->forward[group] : &e->active[group];
    if (*known) return *known;
    LLVMBasicBlockRef here = at_entry(e);
    size_t offset = guard == GUARD_FORWARD ? offsetof(MmlFrame, forward) : offsetof(MmlFrame, active);
    LLVMValueRef word = gen_load(g, g->i64, frame_word(e, g->pointer, offset), (size_t)group * 8);
    *known = LLVMBuildICmp(g->builder, LLVMIntNE, word, gen_int(g, 0), "");
    if (guard == GUARD_ACTIVE && e->step->unimodal) *known = LLVMBuildAnd(g->builder, *known, flag(e, GUARD_FORWARD, group), "");
    back(e, here);
    return *known;
}

/* ---- Nodes ---- */

static LLVMValueRef operand(Emitter *e, const Node *node, int i) {
    Gen *g = e->g;
    if (node->operands[i] < 0) return gen_null(g);
    const Tensor *tensor = &e->step->tensors.items[node->operands[i]];
    LLVMValueRef at = pointer(e, node->operands[i]);
    if (tensor->gate < 0 || (node->guard == GUARD_ACTIVE && node->group == tensor->gate)) return at;
    return LLVMBuildSelect(g->builder, flag(e, GUARD_ACTIVE, tensor->gate), at, gen_null(g), "");
}

/* The attribute array; with a factor that only the run knows, one on the stack. */
static LLVMValueRef attributes(Emitter *e, const Node *node) {
    Gen *g = e->g;
    if (node->factor < 0) return gen_attributes(g, node->attributes, node->attribute_count);
    LLVMBasicBlockRef here = at_entry(e);
    LLVMValueRef array = LLVMBuildAlloca(g->builder, LLVMArrayType2(g->i64, (uint64_t)node->attribute_count), "attributes");
    back(e, here);
    for (int i = 0; i < node->attribute_count; i++) {
        LLVMValueRef word = gen_int(g, node->attributes[i].i);
        if (i == 1) word = LLVMBuildFPExt(g->builder, gen_load(g, g->f32, pointer(e, node->factor), 0), g->f64, "");
        gen_store(g, word, array, (size_t)i * 8);
    }
    return array;
}

/* What a kernel works on that takes every frame of a clip for a sample: the step's frame with as many times the batch.
 * Its labels and sample numbers are those of the batch, and read by no such kernel. */
static LLVMValueRef frame_over(Emitter *e, int64_t frames) {
    Gen *g = e->g;
    if (frames == 1) return e->frame;
    for (int i = 0; i < e->clip_count; i++)
        if (e->clips[i].frames == frames) return e->clips[i].frame;
    if (e->clip_count == MML_MAX_MODALITIES) mml_ice("clips of more than %d lengths", MML_MAX_MODALITIES);
    LLVMBasicBlockRef here = at_entry(e);
    LLVMValueRef clip = LLVMBuildAlloca(g->builder, LLVMArrayType2(g->i64, sizeof(MmlFrame) / 8), "clip");
    for (size_t word = 0; word < sizeof(MmlFrame); word += 8) {
        LLVMValueRef value = frame_word(e, g->i64, word);
        if (word == offsetof(MmlFrame, batch) || word == offsetof(MmlFrame, capacity))
            value = LLVMBuildMul(g->builder, value, gen_int(g, frames), "");
        gen_store(g, value, clip, word);
    }
    back(e, here);
    e->clips[e->clip_count].frames  = frames;
    e->clips[e->clip_count++].frame = clip;
    return clip;
}

static void kernel_call(Emitter *e, const Node *node) {
    Gen *g = e->g;
    for (int i = 0; i < node->operand_count; i++) gen_store(g, operand(e, node, i), e->operands, (size_t)i * 8);
    LLVMBuildCall2(g->builder, g->kernel_type, gen_kernel(g, node->kernel),
                   (LLVMValueRef[]){frame_over(e, node->frames), attributes(e, node), e->operands}, 3, "");
}

static LLVMValueRef load_fixed(Emitter *e, int t) {
    return LLVMBuildFPExt(e->g->builder, gen_load(e->g, e->g->f32, pointer(e, t), 0), e->g->f64, "");
}

static void store_fixed(Emitter *e, int t, LLVMValueRef value) {
    gen_store(e->g, LLVMBuildFPTrunc(e->g->builder, value, e->g->f32, ""), pointer(e, t), 0);
}

static LLVMValueRef combined(Gen *g, Combination operation, LLVMValueRef a, LLVMValueRef b) {
    switch (operation) {
    case COMBINE_ADD: return LLVMBuildFAdd(g->builder, a, b, "");
    case COMBINE_SUB: return LLVMBuildFSub(g->builder, a, b, "");
    case COMBINE_MUL: return LLVMBuildFMul(g->builder, a, b, "");
    case COMBINE_DIV: return LLVMBuildFDiv(g->builder, a, b, "");
    case COMBINE_NEG: return LLVMBuildFNeg(g->builder, a, "");
    case COMBINE_EXP: return gen_intrinsic(g, "llvm.exp", g->f64, &a, 1);
    case COMBINE_LOG: return gen_intrinsic(g, "llvm.log", g->f64, &a, 1);
    }
    mml_ice("operation %d on fixed floats", operation);
}

static void fixed_node(Emitter *e, const Node *node) {
    int y = node_role(node, 'y');
    if (node->op == IR_NUMBER) {
        store_fixed(e, y, node->value ? value_emit_real(&e->scope, node->value, node->element) : gen_real(e->g, node->constant));
        return;
    }
    LLVMValueRef a = load_fixed(e, node->inputs[0]);
    LLVMValueRef b = node->input_count > 1 ? load_fixed(e, node->inputs[1]) : NULL;
    store_fixed(e, y, combined(e->g, (Combination)node->attributes[0].i, a, b));
}

/* ---- Trace ---- */

/* void trace(frame, node, value, fixed, size): calls frame->trace, when there is one, with
 * fixed + batch * size numbers. */
static void trace_body(Gen *g, LLVMTypeRef listener_type) {
    LLVMBasicBlockRef entry = gen_block(g, g->trace, "entry"), tell = gen_block(g, g->trace, "tell"), leave = gen_block(g, g->trace, "leave");
    LLVMValueRef frame = LLVMGetParam(g->trace, 0);
    LLVMPositionBuilderAtEnd(g->builder, entry);
    LLVMValueRef listener = gen_load(g, g->pointer, frame, offsetof(MmlFrame, trace));
    LLVMBuildCondBr(g->builder, LLVMBuildIsNull(g->builder, listener, ""), leave, tell);
    LLVMPositionBuilderAtEnd(g->builder, tell);
    LLVMValueRef batch = gen_load(g, g->i64, frame, offsetof(MmlFrame, batch));
    LLVMValueRef count = LLVMBuildAdd(g->builder, LLVMBuildMul(g->builder, batch, LLVMGetParam(g->trace, 4), ""), LLVMGetParam(g->trace, 3), "");
    LLVMBuildCall2(g->builder, listener_type, listener, (LLVMValueRef[]){frame, LLVMGetParam(g->trace, 1), LLVMGetParam(g->trace, 2), count}, 4, "");
    LLVMBuildBr(g->builder, leave);
    LLVMPositionBuilderAtEnd(g->builder, leave);
    LLVMBuildRetVoid(g->builder);
}

static void trace_declare(Gen *g) {
    LLVMTypeRef types[] = {g->pointer, g->i64, g->pointer, g->i64, g->i64};
    g->trace_type = LLVMFunctionType(g->none, types, 5, 0);
    g->trace      = LLVMAddFunction(g->module, "trace", g->trace_type);
    LLVMSetLinkage(g->trace, LLVMInternalLinkage);
    LLVMAttributeRef noinline_attribute = LLVMCreateEnumAttribute(g->context, LLVMGetEnumAttributeKindForName("noinline", 8), 0);
    LLVMAddAttributeAtIndex(g->trace, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, noinline_attribute);
    trace_body(g, LLVMFunctionType(g->none, types, 4, 0));
}

static void trace_node(Emitter *e, const Node *node) {
    Gen *g = e->g;
    int y = node_role(node, 'y');
    const Tensor *tensor = &e->step->tensors.items[y];
    LLVMValueRef arguments[] = {e->frame, gen_int(g, e->traced++), pointer(e, y), gen_int(g, tensor->fixed ? tensor->size : 0),
                                gen_int(g, tensor->fixed ? 0 : tensor->size)};
    LLVMBuildCall2(g->builder, g->trace_type, g->trace, arguments, 5, "");
}

static int is_traced(const Node *node) { return node->name && !node->backward; }

/* ---- Results ---- */

/* Into frame->field[index], NULL where it was not computed. */
static void result(Emitter *e, size_t field, int index, int t, int group) {
    Gen *g = e->g;
    LLVMValueRef value = t < 0 ? gen_null(g) : pointer(e, t);
    if (t >= 0 && e->step->unimodal) value = LLVMBuildSelect(g->builder, flag(e, GUARD_FORWARD, group), value, gen_null(g), "");
    gen_store(g, value, frame_word(e, g->pointer, field), (size_t)index * 8);
}

/* The joint loss; in a unimodal step the sum over the modalities that train, or in an evaluation run. */
static LLVMValueRef loss(Emitter *e) {
    Gen *g = e->g;
    if (!e->step->unimodal) return load_fixed(e, e->step->loss);
    LLVMValueRef total = gen_real(g, 0);
    for (int m = 0; m < g->modalities; m++) {
        LLVMValueRef counts = flag(e, e->step->train ? GUARD_ACTIVE : GUARD_FORWARD, m);
        LLVMValueRef share  = LLVMBuildSelect(g->builder, counts, load_fixed(e, e->step->losses[m]), gen_real(g, 0), "");
        total = LLVMBuildFAdd(g->builder, total, share, "");
    }
    return total;
}

static void results(Emitter *e) {
    Gen *g = e->g;
    for (int m = 0; m < g->modalities; m++) {
        result(e, offsetof(MmlFrame, features), m, e->step->features[m], m);
        result(e, offsetof(MmlFrame, logits), m, e->step->logits[m], m);
    }
    int fused = g->modalities;
    gen_store(g, e->step->logits[fused] < 0 ? gen_null(g) : pointer(e, e->step->logits[fused]),
              frame_word(e, g->pointer, offsetof(MmlFrame, logits)), (size_t)fused * 8);
    gen_store(g, e->step->prediction < 0 ? gen_null(g) : pointer(e, e->step->prediction), e->frame, offsetof(MmlFrame, prediction));
    gen_store(g, loss(e), e->frame, offsetof(MmlFrame, loss));
}

/* ---- The function ---- */

/* LLVM takes time with the square of a block's length (two-address pass, register allocation). */
#define BLOCK_NODES 16

static void leave_guard(Emitter *e, LLVMBasicBlockRef *behind) {
    if (!*behind) return;
    LLVMBuildBr(e->g->builder, *behind);
    LLVMPositionBuilderAtEnd(e->g->builder, *behind);
    *behind = NULL;
}

/* Branches that may run side by side are functions of their own. */
static int branches_call(Emitter *e, const Region *region) {
    gen_call(e->g, CALL_branches, (LLVMValueRef[]){e->frame, e->regions[region - e->step->regions.items]}, 2);
    for (int n = region->begin; n < region->end; n++) e->traced += is_traced(&e->step->nodes.items[n]);
    return region->end - 1;
}

/* Of nodes [begin, end). Neighbours under the same guard share one branch. */
static void nodes(Emitter *e, int begin, int end) {
    Gen *g = e->g;
    LLVMBasicBlockRef behind = NULL;
    Guard guard = GUARD_NONE;
    int group = -1;
    for (int n = begin; n < end; n++) {
        const Node *node = &e->step->nodes.items[n];
        const Region *region = e->regions ? branches_region(e->step, n) : NULL;
        Guard wanted = region ? GUARD_NONE : node->guard;
        if (wanted != guard || (guard != GUARD_NONE && node->group != group)) {
            leave_guard(e, &behind);
            guard = wanted;
            group = node->group;
            if (guard != GUARD_NONE) {
                LLVMBasicBlockRef inside = gen_block(g, e->scope.function, "run");
                behind = gen_block(g, e->scope.function, "next");
                LLVMBuildCondBr(g->builder, flag(e, guard, group), inside, behind);
                LLVMPositionBuilderAtEnd(g->builder, inside);
            }
        }
        if (n % BLOCK_NODES == BLOCK_NODES - 1) {
            LLVMBasicBlockRef more = gen_block(g, e->scope.function, "more");
            LLVMBuildBr(g->builder, more);
            LLVMPositionBuilderAtEnd(g->builder, more);
        }
        debug_at(g, node->span);
        if (region) n = branches_call(e, region);
        else if (node->kernel == KERNEL_NONE) fixed_node(e, node);
        else kernel_call(e, node);
        if (!region && is_traced(node)) trace_node(e, node);
    }
    leave_guard(e, &behind);
}

static Span step_span(const Step *step) {
    for (int n = 0; n < step->nodes.count; n++)
        if (step->nodes.items[n].span.source) return step->nodes.items[n].span;
    return (Span){0};
}

/* A number of the loss that can't be computed (mml_rule_fail has said why) shows as a loss that is none. */
static void failed(Emitter *e) {
    Gen *g = e->g;
    LLVMBasicBlockRef here = LLVMGetInsertBlock(g->builder);
    LLVMMoveBasicBlockAfter(e->scope.failed, here);
    LLVMPositionBuilderAtEnd(g->builder, e->scope.failed);
    gen_store(g, gen_real(g, NAN), e->frame, offsetof(MmlFrame, loss));
    LLVMBuildRetVoid(g->builder);
    LLVMPositionBuilderAtEnd(g->builder, here);
}

/* A step is a list of calls with constant arguments: LLVM's passes find nothing in it to win, and
 * take 1.2 s over the four of a pair of ResNet-18 (0.1 s without them; examples/cremad.mml). */
static void leave_as_it_is(Gen *g, LLVMValueRef function) {
    static const char *const names[] = {"optnone", "noinline"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        LLVMAttributeRef attribute = LLVMCreateEnumAttribute(g->context, LLVMGetEnumAttributeKindForName(names[i], strlen(names[i])), 0);
        LLVMAddAttributeAtIndex(function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, attribute);
    }
}

/* A function of the frame with what it reads of it at the entry; the builder stands in its body. */
static void function_begin(Emitter *e, const char *name, Span span) {
    Gen *g = e->g;
    e->scope.function = gen_function(g, name, 1, span);
    leave_as_it_is(g, e->scope.function);
    debug_at(g, span);
    e->frame    = LLVMGetParam(e->scope.function, 0);
    e->entry    = LLVMGetInsertBlock(g->builder);
    e->arena    = frame_word(e, g->pointer, offsetof(MmlFrame, arena));
    e->capacity = frame_word(e, g->i64, offsetof(MmlFrame, capacity));
    e->operands = LLVMBuildAlloca(g->builder, LLVMArrayType2(g->pointer, NODE_OPERANDS), "operands");
}

static void function_end(Emitter *e, LLVMBasicBlockRef body) {
    LLVMBasicBlockRef here = at_entry(e);
    LLVMBuildBr(e->g->builder, body);
    back(e, here);
    gen_function_end(e->g);
}

static LLVMBasicBlockRef body_begin(Emitter *e) {
    LLVMBasicBlockRef body = gen_block(e->g, e->scope.function, "body");
    LLVMPositionBuilderAtEnd(e->g->builder, body);
    return body;
}

/* ---- Branches ---- */

static LLVMValueRef branch_function(Gen *g, const Step *step, const Region *region, int branch) {
    const char *modality = g->program->modalities.items[region->model.branches[branch].group].name;
    Emitter e = {.g = g, .step = step, .scope = {.g = g}};
    int first = region->first[branch];
    for (int n = 0; n < first; n++) e.traced += is_traced(&step->nodes.items[n]);
    function_begin(&e, arena_printf(g->arena, "%s.%s", step->name, modality), step->nodes.items[first].span);
    LLVMBasicBlockRef body = body_begin(&e);
    nodes(&e, first, region->first[branch + 1]);
    function_end(&e, body);
    return e.scope.function;
}

static void table_cost(Table *table, const MmlBranchCost *cost) {
    int from = table->words.count;
    table_real(table, cost->once);
    table_real(table, cost->whole);
    table_real(table, cost->split);
    table_real(table, cost->barriers);
    table_end(table, from, sizeof(MmlBranchCost));
}

static LLVMValueRef branches_table(Gen *g, const Step *step, const Region *region) {
    Table branches = table_new(g), table = table_new(g);
    for (int i = 0; i < region->model.count; i++) {
        const MmlBranch *branch = &region->model.branches[i];
        int from = branches.words.count;
        table_value(&branches, branch_function(g, step, region, i));
        table_int(&branches, branch->group);
        table_cost(&branches, &branch->forward);
        table_cost(&branches, &branch->backward);
        table_end(&branches, from, sizeof(MmlBranch));
    }
    table_int(&table, region->model.count);
    table_value(&table, table_global(&branches, "branch"));
    table_end(&table, 0, sizeof(MmlBranches));
    return table_global(&table, "branches");
}

static LLVMValueRef *branches_tables(Gen *g, const Step *step) {
    LLVMValueRef *tables = NEW_ARRAY(g->arena, LLVMValueRef, step->regions.count + 1);
    for (int r = 0; r < step->regions.count; r++)
        if (step->regions.items[r].apart) tables[r] = branches_table(g, step, &step->regions.items[r]);
    return tables;
}

/* ---- The step ---- */

/* reads: [slots of settings] set to 1 for those that the function reads. */
static LLVMValueRef step_function(Gen *g, const Step *step, char *reads) {
    if (!g->trace) trace_declare(g);
    Emitter e = {.g = g, .step = step, .regions = branches_tables(g, step)};
    function_begin(&e, step->name, step_span(step));
    LLVMValueRef function = e.scope.function;
    e.scope = (ValueScope){.g = g, .function = function, .context = gen_null(g), .failed = gen_block(g, function, "failed"), .reads = reads};
    e.scope.settings = frame_word(&e, g->pointer, offsetof(MmlFrame, settings));
    e.scope.state    = frame_word(&e, g->pointer, offsetof(MmlFrame, state));
    LLVMBasicBlockRef body = body_begin(&e);
    nodes(&e, 0, step->nodes.count);
    results(&e);
    failed(&e);
    function_end(&e, body);
    return function;
}

/* ---- The table ---- */

static LLVMValueRef words_of(Gen *g, const char *flags, int count, const char *name) {
    Table table = table_new(g);
    for (int i = 0; i < count; i++) table_int(&table, flags[i]);
    return table_global(&table, name);
}

LLVMValueRef step_table(Gen *g, const Step *step) {
    Table names = table_new(g);
    for (int n = 0; n < step->nodes.count; n++)
        if (is_traced(&step->nodes.items[n])) table_text(&names, step->nodes.items[n].name);
    char *reads = NEW_ARRAY(g->arena, char, g->program->slot_count + 1);
    Table table = table_new(g);
    table_text(&table, step->name);
    table_int(&table, step->fixed_bytes);
    table_int(&table, step->sample_bytes);
    table_int(&table, step->thread_bytes);
    table_value(&table, step_function(g, step, reads));
    table_value(&table, words_of(g, step->reached, g->program->parameters.count, "reached"));
    table_int(&table, names.words.count);
    table_value(&table, table_global(&names, "nodes"));
    table_value(&table, words_of(g, reads, g->program->slot_count, "reads"));
    table_end(&table, 0, sizeof(MmlStep));
    return table_global(&table, "step");
}
