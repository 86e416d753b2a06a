#include "codegen/values.h"

#include <stddef.h>
#include <string.h>

LLVMTypeRef held_type(Gen *g, TypeKind kind) {
    switch (type_held(kind)) {
    case HELD_INT:  return g->i64;
    case HELD_REAL: return g->f64;
    default:        return g->pointer;
    }
}

/* ---- Failure ---- */

void value_check(ValueScope *s, LLVMValueRef ok, const char *what, Span span) {
    Gen *g = s->g;
    LLVMBasicBlockRef wrong = gen_block(g, s->function, "wrong"), right = gen_block(g, s->function, "right");
    LLVMBuildCondBr(g->builder, ok, right, wrong);
    LLVMPositionBuilderAtEnd(g->builder, wrong);
    const char *text = span.source ? arena_printf(g->arena, "%s: %s", span_place_text(g->arena, span), what) : what;
    gen_call(g, CALL_rule_fail, (LLVMValueRef[]){s->context, gen_text(g, text)}, 2);
    LLVMBuildBr(g->builder, s->failed);
    LLVMPositionBuilderAtEnd(g->builder, right);
}

void value_check_index(ValueScope *s, LLVMValueRef index, Span span) {
    Gen *g = s->g;
    LLVMValueRef inside = LLVMBuildICmp(g->builder, LLVMIntULT, index, gen_int(g, g->modalities), "");
    if (LLVMIsAConstantInt(inside) && LLVMConstIntGetZExtValue(inside)) return;
    value_check(s, inside, arena_printf(g->arena, "there is no such modality: they are numbered 0 to %d", g->modalities - 1), span);
}

static LLVMValueRef real_function(Gen *g, const char *name, LLVMValueRef a) { return gen_intrinsic(g, name, g->f64, &a, 1); }

static LLVMValueRef real_function2(Gen *g, const char *name, LLVMValueRef a, LLVMValueRef b) {
    return gen_intrinsic(g, name, g->f64, (LLVMValueRef[]){a, b}, 2);
}

/* ---- Arithmetic ---- */

static LLVMValueRef checked(ValueScope *s, const char *name, LLVMValueRef a, LLVMValueRef b, Span span) {
    Gen *g = s->g;
    LLVMValueRef pair = gen_intrinsic(g, name, g->i64, (LLVMValueRef[]){a, b}, 2);
    LLVMValueRef over = LLVMBuildExtractValue(g->builder, pair, 1, "");
    value_check(s, LLVMBuildNot(g->builder, over, ""), "the result does not fit a 64-bit integer", span);
    return LLVMBuildExtractValue(g->builder, pair, 0, "");
}

static LLVMValueRef divided(ValueScope *s, Op op, LLVMValueRef a, LLVMValueRef b, Span span) {
    Gen *g = s->g;
    value_check(s, LLVMBuildICmp(g->builder, LLVMIntNE, b, gen_int(g, 0), ""), "division by zero", span);
    LLVMValueRef least = LLVMBuildICmp(g->builder, LLVMIntEQ, a, gen_int(g, INT64_MIN), "");
    LLVMValueRef minus = LLVMBuildICmp(g->builder, LLVMIntEQ, b, gen_int(g, -1), "");
    LLVMValueRef over  = LLVMBuildAnd(g->builder, least, minus, "");
    value_check(s, LLVMBuildNot(g->builder, over, ""), "the result does not fit a 64-bit integer", span);
    LLVMValueRef rest = LLVMBuildSRem(g->builder, a, b, ""), zero = gen_int(g, 0);
    LLVMValueRef signs = LLVMBuildICmp(g->builder, LLVMIntSLT, LLVMBuildXor(g->builder, rest, b, ""), zero, "");
    LLVMValueRef below = LLVMBuildAnd(g->builder, LLVMBuildICmp(g->builder, LLVMIntNE, rest, zero, ""), signs, "");
    if (op == OP_MOD) return LLVMBuildAdd(g->builder, rest, LLVMBuildSelect(g->builder, below, b, zero, ""), "");
    return LLVMBuildSub(g->builder, LLVMBuildSDiv(g->builder, a, b, ""), LLVMBuildZExt(g->builder, below, g->i64, ""), "");
}

static LLVMValueRef whole_binary(ValueScope *s, Op op, LLVMValueRef a, LLVMValueRef b, Span span) {
    switch (op) {
    case OP_ADD: return checked(s, "llvm.sadd.with.overflow", a, b, span);
    case OP_SUB: return checked(s, "llvm.ssub.with.overflow", a, b, span);
    case OP_MUL: return checked(s, "llvm.smul.with.overflow", a, b, span);
    case OP_INTDIV: case OP_MOD: return divided(s, op, a, b, span);
    default: mml_ice("operator %d on whole numbers", op);
    }
}

static LLVMValueRef real_binary(ValueScope *s, Op op, LLVMValueRef a, LLVMValueRef b) {
    LLVMBuilderRef builder = s->g->builder;
    switch (op) {
    case OP_ADD: return LLVMBuildFAdd(builder, a, b, "");
    case OP_SUB: return LLVMBuildFSub(builder, a, b, "");
    case OP_MUL: return LLVMBuildFMul(builder, a, b, "");
    case OP_DIV: return LLVMBuildFDiv(builder, a, b, "");
    default: mml_ice("operator %d on reals", op);
    }
}

static LLVMValueRef compare(ValueScope *s, Op op, Held held, LLVMValueRef a, LLVMValueRef b) {
    static const LLVMIntPredicate whole[] = {LLVMIntEQ, LLVMIntNE, LLVMIntSLT, LLVMIntSLE, LLVMIntSGT, LLVMIntSGE};
    static const LLVMRealPredicate real[] = {LLVMRealOEQ, LLVMRealUNE, LLVMRealOLT, LLVMRealOLE, LLVMRealOGT, LLVMRealOGE};
    Gen *g = s->g;
    int which = op - OP_EQ;
    LLVMValueRef result;
    if (held == HELD_TEXT) {
        LLVMTypeRef type = LLVMFunctionType(g->i32, (LLVMTypeRef[]){g->pointer, g->pointer}, 2, 0);
        LLVMValueRef order = LLVMBuildCall2(g->builder, type, gen_library(g, "strcmp", type), (LLVMValueRef[]){a, b}, 2, "");
        result = LLVMBuildICmp(g->builder, whole[which], order, LLVMConstInt(g->i32, 0, 0), "");
    } else if (held == HELD_REAL) {
        result = LLVMBuildFCmp(g->builder, real[which], a, b, "");
    } else {
        result = LLVMBuildICmp(g->builder, whole[which], a, b, "");
    }
    return LLVMBuildZExt(g->builder, result, g->i64, "");
}

static LLVMValueRef is_true(Gen *g, LLVMValueRef boolean) {
    return LLVMBuildICmp(g->builder, LLVMIntNE, boolean, gen_int(g, 0), "");
}

/* ---- Branches ---- */

/* condition ? then : otherwise, each evaluated only when it counts; NULL stands for the bool `fallback`. */
static LLVMValueRef branch(ValueScope *s, LLVMValueRef condition, const Value *then, const Value *otherwise,
                           int fallback, int element, LLVMTypeRef type) {
    Gen *g = s->g;
    LLVMBasicBlockRef blocks[2] = {gen_block(g, s->function, "then"), gen_block(g, s->function, "else")};
    LLVMBasicBlockRef join = gen_block(g, s->function, "join");
    const Value *values[2] = {then, otherwise};
    LLVMValueRef results[2];
    LLVMBuildCondBr(g->builder, is_true(g, condition), blocks[0], blocks[1]);
    for (int i = 0; i < 2; i++) {
        LLVMPositionBuilderAtEnd(g->builder, blocks[i]);
        results[i] = values[i] ? value_emit(s, values[i], element) : gen_int(g, fallback);
        blocks[i]  = LLVMGetInsertBlock(g->builder);
        LLVMBuildBr(g->builder, join);
    }
    LLVMPositionBuilderAtEnd(g->builder, join);
    LLVMValueRef phi = LLVMBuildPhi(g->builder, type, "");
    LLVMAddIncoming(phi, results, blocks, 2);
    return phi;
}

static LLVMValueRef binary(ValueScope *s, const Value *v, int element) {
    Gen *g = s->g;
    const Value *left = v->operands[0], *right = v->operands[1];
    if (v->op == OP_AND) return branch(s, value_emit(s, left, element), right, NULL, 0, element, g->i64);
    if (v->op == OP_OR)  return branch(s, value_emit(s, left, element), NULL, right, 1, element, g->i64);
    Held held = type_held(left->type.kind);
    if (type_held(right->type.kind) != held || (v->op == OP_DIV && held == HELD_INT)) held = HELD_REAL;
    LLVMValueRef a = held == HELD_REAL ? value_emit_real(s, left, element) : value_emit(s, left, element);
    LLVMValueRef b = held == HELD_REAL ? value_emit_real(s, right, element) : value_emit(s, right, element);
    if (v->op >= OP_EQ && v->op <= OP_GE) return compare(s, v->op, held, a, b);
    return held == HELD_INT ? whole_binary(s, v->op, a, b, v->span) : real_binary(s, v->op, a, b);
}

static LLVMValueRef unary(ValueScope *s, const Value *v, int element) {
    Gen *g = s->g;
    LLVMValueRef a = value_emit(s, v->operands[0], element);
    if (v->op == OP_NOT) return LLVMBuildXor(g->builder, a, gen_int(g, 1), "");
    if (type_held(v->type.kind) == HELD_REAL) return LLVMBuildFNeg(g->builder, a, "");
    return checked(s, "llvm.ssub.with.overflow", gen_int(g, 0), a, v->span);
}

/* ---- Functions ---- */

/* The operands of a function that takes either one each value or several values. */
typedef struct { const Value *value; int element; } Item;

static int over_modalities(const Value *v) { return v->count == 1 && v->operands[0]->type.each; }
static int item_count(const Gen *g, const Value *v) { return over_modalities(v) ? g->modalities : v->count; }

static Item item(const Value *v, int element, int i) {
    return over_modalities(v) ? (Item){v->operands[0], i} : (Item){v->operands[i], element};
}

static LLVMValueRef real_item(ValueScope *s, const Value *v, int element, int i) {
    Item at = item(v, element, i);
    return value_emit_real(s, at.value, at.element);
}

static LLVMValueRef extreme(Gen *g, Held held, int most, LLVMValueRef a, LLVMValueRef b) {
    if (held == HELD_REAL) return real_function2(g, most ? "llvm.maxnum" : "llvm.minnum", a, b);
    return gen_intrinsic(g, most ? "llvm.smax" : "llvm.smin", g->i64, (LLVMValueRef[]){a, b}, 2);
}

static LLVMValueRef argument_of_extreme(ValueScope *s, const Value *v, int element) {
    Gen *g = s->g;
    LLVMBuilderRef b = g->builder;
    int most = v->function == FN_ARGMAX;
    LLVMValueRef best = real_item(s, v, element, 0), at = gen_int(g, 0);
    for (int i = 1; i < item_count(g, v); i++) {
        LLVMValueRef next = real_item(s, v, element, i);
        LLVMValueRef beats = LLVMBuildFCmp(b, most ? LLVMRealOGT : LLVMRealOLT, next, best, "");
        LLVMValueRef first_number = LLVMBuildAnd(b, LLVMBuildFCmp(b, LLVMRealUNO, best, best, ""),
                                                 LLVMBuildFCmp(b, LLVMRealORD, next, next, ""), "");
        LLVMValueRef better = LLVMBuildOr(b, beats, first_number, "");
        best = LLVMBuildSelect(b, better, next, best, "");
        at   = LLVMBuildSelect(b, better, gen_int(g, i), at, "");
    }
    return at;
}

static LLVMValueRef fold(ValueScope *s, const Value *v, int element) {
    Gen *g = s->g;
    int count = item_count(g, v);
    Held held = type_held(v->type.kind);
    LLVMValueRef total = NULL;
    for (int i = 0; i < count; i++) {
        Item at = item(v, element, i);
        LLVMValueRef next = held == HELD_REAL ? real_item(s, v, element, i) : value_emit(s, at.value, at.element);
        if (!total) total = next;
        else if (v->function == FN_MAX || v->function == FN_MIN) total = extreme(g, held, v->function == FN_MAX, total, next);
        else if (held == HELD_REAL) total = LLVMBuildFAdd(g->builder, total, next, "");
        else total = checked(s, "llvm.sadd.with.overflow", total, next, v->span);
    }
    if (v->function == FN_MEAN) total = LLVMBuildFDiv(g->builder, total, gen_real(g, count), "");
    return total;
}

static LLVMValueRef absolute(ValueScope *s, const Value *v, int element) {
    Gen *g = s->g;
    if (type_held(v->type.kind) == HELD_REAL) return real_function(g, "llvm.fabs", value_emit_real(s, v->operands[0], element));
    LLVMValueRef a = value_emit(s, v->operands[0], element);
    LLVMValueRef minus = checked(s, "llvm.ssub.with.overflow", gen_int(g, 0), a, v->span);
    return extreme(g, HELD_INT, 1, a, minus);
}

static LLVMValueRef clamp(ValueScope *s, const Value *v, int element) {
    Held held = type_held(v->type.kind);
    LLVMValueRef at[3];
    for (int i = 0; i < 3; i++)
        at[i] = held == HELD_REAL ? value_emit_real(s, v->operands[i], element) : value_emit(s, v->operands[i], element);
    return extreme(s->g, held, 0, extreme(s->g, held, 1, at[0], at[1]), at[2]);
}

/* tanh has no intrinsic of its own before LLVM 19 and no lowering everywhere since: libm's. */
static LLVMValueRef hyperbolic_tangent(Gen *g, LLVMValueRef a) {
    LLVMTypeRef type = LLVMFunctionType(g->f64, &g->f64, 1, 0);
    return LLVMBuildCall2(g->builder, type, gen_library(g, "tanh", type), &a, 1, "");
}

static LLVMValueRef call(ValueScope *s, const Value *v, int element) {
    Gen *g = s->g;
    switch (v->function) {
    case FN_MAX: case FN_MIN: case FN_SUM: case FN_MEAN: case FN_COUNT: return fold(s, v, element);
    case FN_ARGMAX: case FN_ARGMIN: return argument_of_extreme(s, v, element);
    case FN_ABS:   return absolute(s, v, element);
    case FN_CLAMP: return clamp(s, v, element);
    case FN_LOG:   return real_function(g, "llvm.log",  value_emit_real(s, v->operands[0], element));
    case FN_LOG2:  return real_function(g, "llvm.log2", value_emit_real(s, v->operands[0], element));
    case FN_EXP:   return real_function(g, "llvm.exp",  value_emit_real(s, v->operands[0], element));
    case FN_SQRT:  return real_function(g, "llvm.sqrt", value_emit_real(s, v->operands[0], element));
    case FN_TANH:  return hyperbolic_tangent(g, value_emit_real(s, v->operands[0], element));
    case FN_POW:
        return real_function2(g, "llvm.pow", value_emit_real(s, v->operands[0], element), value_emit_real(s, v->operands[1], element));
    case FN_OTHER: {
        LLVMValueRef m = value_emit(s, v->operands[0], element);
        value_check_index(s, m, v->span);
        return LLVMBuildSub(g->builder, gen_int(g, 1), m, "");
    }
    default: mml_ice("function %d outside of a loss", v->function);
    }
}

/* ---- Texts ---- */

static LLVMValueRef select_text(ValueScope *s, LLVMValueRef index, const char *const *texts, int count) {
    Gen *g = s->g;
    LLVMValueRef text = gen_text(g, texts[count - 1]);
    for (int i = count - 2; i >= 0; i--)
        text = LLVMBuildSelect(g->builder, LLVMBuildICmp(g->builder, LLVMIntEQ, index, gen_int(g, i), ""), gen_text(g, texts[i]), text, "");
    return text;
}

typedef struct { RuntimeCall call; LLVMValueRef value; } Piece;

static Piece piece_of(ValueScope *s, const Value *v, int element) {
    Gen *g = s->g;
    LLVMValueRef value = value_emit(s, v, element);
    if (v->type.kind == TYPE_BOOL)
        return (Piece){CALL_text_string, select_text(s, value, (const char *const[]){"false", "true"}, 2)};
    if (v->type.kind == TYPE_MODALITY) {
        const char *names[MML_MAX_MODALITIES];
        for (int m = 0; m < g->modalities; m++) names[m] = g->program->modalities.items[m].name;
        return (Piece){CALL_text_string, select_text(s, value, names, g->modalities)};
    }
    switch (type_held(v->type.kind)) {
    case HELD_INT:  return (Piece){CALL_text_int, value};
    case HELD_REAL: return (Piece){CALL_text_real, value};
    default:        return (Piece){CALL_text_string, value};
    }
}

/* All parts are evaluated before the text begins: a part may build a text itself. An each
 * value is written as its elements with commas. */
static LLVMValueRef join(ValueScope *s, const Value *v, int element) {
    Gen *g = s->g;
    VECTOR(Piece) pieces = {0};
    for (int i = 0; i < v->count; i++) {
        const Value *part = v->operands[i];
        int elements = part->type.each && !v->type.each ? g->modalities : 1;
        for (int m = 0; m < elements; m++) {
            if (m) VECTOR_PUSH(g->arena, &pieces, ((Piece){CALL_text_string, gen_text(g, ", ")}));
            VECTOR_PUSH(g->arena, &pieces, piece_of(s, part, elements > 1 ? m : element));
        }
    }
    gen_call(g, CALL_text_begin, &s->text, 1);
    for (int i = 0; i < pieces.count; i++)
        gen_call(g, pieces.items[i].call, (LLVMValueRef[]){s->text, pieces.items[i].value}, 2);
    return gen_call(g, CALL_text_end, &s->text, 1);
}

/* ---- Reads ---- */

static LLVMValueRef word(ValueScope *s, LLVMValueRef base, const Value *v, int element) {
    Gen *g = s->g;
    if (!base) mml_ice("%s is read where it does not exist", span_place_text(g->arena, v->span));
    int64_t at = v->number + (v->type.each ? element : 0);
    if (v->kind == VALUE_SETTING && s->reads) s->reads[at] = 1;
    return gen_load(g, held_type(g, v->type.kind), base, (size_t)at * 8);
}

/* Fields of MmlProbe and MmlEpoch: offset; each: a pointer to one number for each modality. */
static const struct { size_t offset; int each, whole; } fields[] = {
    [PROBE_REDUNDANCY]     = {offsetof(MmlProbe, redundancy), 0, 0},
    [PROBE_UNIQUE]         = {offsetof(MmlProbe, unique), 1, 0},
    [PROBE_SYNERGY]        = {offsetof(MmlProbe, synergy), 0, 0},
    [PROBE_SYNERGY_PLUGIN] = {offsetof(MmlProbe, synergy_plugin), 0, 0},
    [PROBE_SYNERGY_ERROR]  = {offsetof(MmlProbe, synergy_error), 0, 0},
    [PROBE_MUTUAL]         = {offsetof(MmlProbe, mutual), 1, 0},
    [PROBE_TOTAL]          = {offsetof(MmlProbe, total), 0, 0},
    [PROBE_ENTROPY]        = {offsetof(MmlProbe, entropy), 0, 0},
    [PROBE_GAP]            = {offsetof(MmlProbe, gap), 0, 0},
    [PROBE_EPOCH]          = {offsetof(MmlProbe, epoch), 0, 1},
    [EPOCH_INDEX]          = {offsetof(MmlEpoch, index), 0, 1},
    [EPOCH_LOSS]           = {offsetof(MmlEpoch, losses), 1, 0},
    [EPOCH_ACCURACY]       = {offsetof(MmlEpoch, accuracy), 1, 0},
    [EPOCH_VALIDATION]     = {offsetof(MmlEpoch, validation), 1, 0},
};

static LLVMValueRef field(ValueScope *s, const Value *v, int element) {
    Gen *g = s->g;
    if (!s->event) mml_ice("%s reads an event outside of its handler", span_place_text(g->arena, v->span));
    if (v->field == EPOCH_LOSS && !v->type.each) return gen_load(g, g->f64, s->event, offsetof(MmlEpoch, loss));
    if (!fields[v->field].each) return gen_load(g, fields[v->field].whole ? g->i64 : g->f64, s->event, fields[v->field].offset);
    return gen_load(g, g->f64, gen_load(g, g->pointer, s->event, fields[v->field].offset), (size_t)element * 8);
}

static LLVMValueRef of_context(ValueScope *s, size_t offset, int element) {
    Gen *g = s->g;
    return gen_load(g, g->i64, gen_load(g, g->pointer, s->context, offset), (size_t)element * 8);
}

static LLVMValueRef at(ValueScope *s, const Value *v, int element) {
    Gen *g = s->g;
    const Value *of = v->operands[0];
    LLVMValueRef index = value_emit(s, v->operands[1], element);
    value_check_index(s, index, v->operands[1]->span);
    if (LLVMIsAConstantInt(index)) {
        int64_t m = LLVMConstIntGetSExtValue(index);
        return value_emit(s, of, m >= 0 && m < g->modalities ? (int)m : 0);
    }
    LLVMValueRef result = value_emit(s, of, 0);
    for (int m = 1; m < g->modalities; m++) {
        LLVMValueRef next = value_emit(s, of, m);
        result = LLVMBuildSelect(g->builder, LLVMBuildICmp(g->builder, LLVMIntEQ, index, gen_int(g, m), ""), next, result, "");
    }
    return result;
}

/* ---- Values ---- */

LLVMValueRef value_emit_real(ValueScope *s, const Value *v, int element) {
    LLVMValueRef value = value_emit(s, v, element);
    return LLVMTypeOf(value) == s->g->i64 ? LLVMBuildSIToFP(s->g->builder, value, s->g->f64, "") : value;
}

LLVMValueRef value_emit(ValueScope *s, const Value *v, int element) {
    Gen *g = s->g;
    switch (v->kind) {
    case VALUE_INTEGER: return gen_int(g, v->integer);
    case VALUE_REAL:    return gen_real(g, v->real);
    case VALUE_TEXT:    return gen_text(g, v->text);
    case VALUE_SETTING: return word(s, s->settings, v, element);
    case VALUE_LOCAL:   return word(s, s->locals, v, element);
    case VALUE_STATE:   return word(s, s->state, v, element);
    case VALUE_FIELD:   return field(s, v, element);
    case VALUE_ACTIVE:  return of_context(s, offsetof(MmlRuleContext, active), element);
    case VALUE_TRAINED: return of_context(s, offsetof(MmlRuleContext, trained), element);
    case VALUE_EACH:    return value_emit(s, v->operands[element], element);
    case VALUE_AT:      return at(s, v, element);
    case VALUE_CONVERT: return value_emit_real(s, v->operands[0], element);
    case VALUE_JOIN:    return join(s, v, element);
    case VALUE_UNARY:   return unary(s, v, element);
    case VALUE_BINARY:  return binary(s, v, element);
    case VALUE_IF:
        return branch(s, value_emit(s, v->operands[0], element), v->operands[1], v->operands[2], 0, element, held_type(g, v->type.kind));
    case VALUE_CALL:    return call(s, v, element);
    default:            mml_ice("a tensor (%d) outside of a loss", v->kind);
    }
}
