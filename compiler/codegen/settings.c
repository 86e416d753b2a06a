#include "codegen/settings.h"

#include "codegen/values.h"

LLVMValueRef settings_table(Gen *g) {
    Table table = table_new(g);
    for (int i = 0; i < g->program->settings.count; i++) {
        const Setting *setting = &g->program->settings.items[i];
        int from = table.words.count;
        table_text(&table, setting->path);
        table_int(&table, setting->type.kind - TYPE_INT);
        table_int(&table, setting->type.each);
        table_int(&table, setting->slot);
        table_int(&table, setting->flags);
        table_text(&table, setting->words);
        table_text(&table, setting->origin);
        table_text(&table, setting->doc);
        table_real(&table, setting->low);
        table_real(&table, setting->high);
        table_end(&table, from, sizeof(MmlSetting));
    }
    return table_global(&table, "settings");
}

/* ---- Constants ---- */

/* A literal's word, or NULL for what is computed when the trainer starts. */
static LLVMValueRef literal(Gen *g, const Value *v) {
    switch (v->kind) {
    case VALUE_INTEGER: return gen_int(g, v->integer);
    case VALUE_REAL:    return gen_real(g, v->real);
    case VALUE_TEXT:    return gen_text(g, v->text);
    case VALUE_CONVERT: return v->operands[0]->kind == VALUE_INTEGER ? gen_real(g, (double)v->operands[0]->integer) : NULL;
    default:            return NULL;
    }
}

static const Value *share(const Value *v, int element) { return v->kind == VALUE_EACH ? v->operands[element] : v; }

/* The words of every slot that is a literal; the others are 0. */
static LLVMValueRef defaults(Gen *g, char *known) {
    const Program *program = g->program;
    LLVMValueRef *words = NEW_ARRAY(g->arena, LLVMValueRef, program->slot_count + 1);
    for (int i = 0; i < program->settings.count; i++) {
        const Setting *setting = &program->settings.items[i];
        if (!setting->value || setting->flags & SETTING_LIST) continue;
        for (int m = 0; m < (setting->type.each ? g->modalities : 1); m++) {
            words[setting->slot + m] = literal(g, share(setting->value, m));
            known[setting->slot + m] = words[setting->slot + m] != NULL;
        }
    }
    Table table = table_new(g);
    for (int slot = 0; slot < program->slot_count; slot++) table_value(&table, words[slot] ? words[slot] : gen_int(g, 0));
    return table_global(&table, "defaults");
}

/* ---- The function ---- */

static LLVMValueRef given(ValueScope *s, LLVMValueRef flags, LLVMValueRef slot) {
    Gen *g = s->g;
    LLVMValueRef flag = LLVMBuildLoad2(g->builder, g->i8, LLVMBuildInBoundsGEP2(g->builder, g->i8, flags, &slot, 1, ""), "");
    return LLVMBuildICmp(g->builder, LLVMIntNE, flag, LLVMConstInt(g->i8, 0, 0), "");
}

/* for slot: if not given, values[slot] = defaults[slot] */
static void copy_defaults(ValueScope *s, LLVMValueRef flags, LLVMValueRef constants) {
    Gen *g = s->g;
    LLVMBuilderRef b = g->builder;
    LLVMBasicBlockRef entry = LLVMGetInsertBlock(b), loop = gen_block(g, s->function, "slots"), behind = gen_block(g, s->function, "computed");
    LLVMBuildBr(b, loop);
    LLVMPositionBuilderAtEnd(b, loop);
    LLVMValueRef slot = LLVMBuildPhi(b, g->i64, "slot"), zero = gen_int(g, 0);
    LLVMValueRef to   = LLVMBuildInBoundsGEP2(b, g->i64, s->settings, &slot, 1, "");
    LLVMValueRef from = LLVMBuildInBoundsGEP2(b, g->i64, constants, &slot, 1, "");
    LLVMValueRef kept = LLVMBuildLoad2(b, g->i64, to, ""), fresh = LLVMBuildLoad2(b, g->i64, from, "");
    LLVMBuildStore(b, LLVMBuildSelect(b, given(s, flags, slot), kept, fresh, ""), to);
    LLVMValueRef next = LLVMBuildAdd(b, slot, gen_int(g, 1), "");
    LLVMBuildCondBr(b, LLVMBuildICmp(b, LLVMIntULT, next, gen_int(g, g->program->slot_count), ""), loop, behind);
    LLVMAddIncoming(slot, (LLVMValueRef[]){zero, next}, (LLVMBasicBlockRef[]){entry, loop}, 2);
    LLVMPositionBuilderAtEnd(b, behind);
}

static LLVMBasicBlockRef unless_given(ValueScope *s, LLVMValueRef flags, int slot) {
    Gen *g = s->g;
    LLVMBasicBlockRef compute = gen_block(g, s->function, "compute"), behind = gen_block(g, s->function, "next");
    LLVMBuildCondBr(g->builder, given(s, flags, gen_int(g, slot)), behind, compute);
    LLVMPositionBuilderAtEnd(g->builder, compute);
    return behind;
}

static void leave(ValueScope *s, LLVMBasicBlockRef behind) {
    LLVMBuildBr(s->g->builder, behind);
    LLVMPositionBuilderAtEnd(s->g->builder, behind);
}

static void compute(ValueScope *s, LLVMValueRef flags, const Setting *setting, const char *known) {
    Gen *g = s->g;
    debug_at(g, setting->span);
    if (setting->flags & SETTING_LIST) {
        LLVMBasicBlockRef behind = unless_given(s, flags, setting->slot);
        gen_store(g, gen_int(g, setting->list.count), s->settings, (size_t)setting->slot * 8);
        for (int i = 0; i < setting->list.count; i++)
            gen_store(g, value_emit(s, setting->list.items[i], 0), s->settings, (size_t)(setting->slot + 1 + i) * 8);
        leave(s, behind);
        return;
    }
    if (!setting->value) return;
    for (int m = 0; m < (setting->type.each ? g->modalities : 1); m++) {
        int slot = setting->slot + m;
        if (known[slot]) continue;
        LLVMBasicBlockRef behind = unless_given(s, flags, slot);
        gen_store(g, value_emit(s, setting->value, m), s->settings, (size_t)slot * 8);
        leave(s, behind);
    }
}

LLVMValueRef settings_function(Gen *g) {
    const Program *program = g->program;
    char *known = NEW_ARRAY(g->arena, char, program->slot_count + 1);
    LLVMValueRef constants = defaults(g, known);
    Span span = program->settings.count ? program->settings.items[0].span : (Span){0};
    LLVMValueRef function = gen_function(g, "settings", 3, span);
    ValueScope s = {.g = g, .function = function, .settings = LLVMGetParam(function, 0), .context = gen_null(g),
                    .text = LLVMGetParam(function, 2), .failed = gen_block(g, function, "leave")};
    LLVMValueRef flags = LLVMGetParam(function, 1);
    debug_at(g, span);
    if (program->slot_count) copy_defaults(&s, flags, constants);
    for (int i = 0; i < program->settings.count; i++) compute(&s, flags, &program->settings.items[i], known);
    LLVMBuildBr(g->builder, s.failed);
    LLVMPositionBuilderAtEnd(g->builder, s.failed);
    gen_function_end(g);
    return function;
}
