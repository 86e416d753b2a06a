#include "codegen/gen.h"

#include <string.h>

LLVMValueRef gen_int(Gen *g, int64_t value)  { return LLVMConstInt(g->i64, (unsigned long long)value, 1); }
LLVMValueRef gen_real(Gen *g, double value)  { return LLVMConstReal(g->f64, value); }
LLVMValueRef gen_null(Gen *g)                { return LLVMConstPointerNull(g->pointer); }

static LLVMValueRef constant(Gen *g, LLVMValueRef value, const char *name) {
    LLVMValueRef global = LLVMAddGlobal(g->module, LLVMTypeOf(value), name);
    LLVMSetInitializer(global, value);
    LLVMSetGlobalConstant(global, 1);
    LLVMSetLinkage(global, LLVMPrivateLinkage);
    return global;
}

LLVMValueRef gen_text(Gen *g, const char *text) {
    if (!text) return gen_null(g);
    for (int i = 0; i < g->texts.count; i++)
        if (!strcmp(g->texts.items[i].text, text)) return g->texts.items[i].global;
    LLVMValueRef global = constant(g, LLVMConstStringInContext2(g->context, text, strlen(text), 0), "text");
    LLVMSetUnnamedAddress(global, LLVMGlobalUnnamedAddr);
    LLVMSetAlignment(global, 1);
    VECTOR_PUSH(g->arena, &g->texts, ((TextConstant){text, global}));
    return global;
}

LLVMValueRef gen_attributes(Gen *g, const Attribute *attributes, int count) {
    if (!count) return gen_null(g);
    for (int i = 0; i < g->attributes.count; i++) {
        const AttributeConstant *known = &g->attributes.items[i];
        if (known->count == count && !memcmp(known->attributes, attributes, sizeof(Attribute) * (size_t)count))
            return known->global;
    }
    LLVMValueRef words[NODE_ATTRIBUTES];
    for (int i = 0; i < count; i++) words[i] = gen_int(g, attributes[i].i);
    LLVMValueRef global = constant(g, LLVMConstArray2(g->i64, words, (uint64_t)count), "attributes");
    LLVMSetUnnamedAddress(global, LLVMGlobalUnnamedAddr);
    VECTOR_PUSH(g->arena, &g->attributes, ((AttributeConstant){count, attributes, global}));
    return global;
}

/* ---- Tables ---- */

Table table_new(Gen *g) { return (Table){.g = g}; }

void table_value(Table *t, LLVMValueRef word)     { VECTOR_PUSH(t->g->arena, &t->words, word); }
void table_int(Table *t, int64_t value)           { table_value(t, gen_int(t->g, value)); }
void table_real(Table *t, double value)           { table_value(t, gen_real(t->g, value)); }
void table_text(Table *t, const char *text)       { table_value(t, gen_text(t->g, text)); }

void table_end(const Table *t, int from, size_t bytes) {
    if ((size_t)(t->words.count - from) * 8 != bytes)
        mml_ice("a struct of %d words where the runtime expects %zu", t->words.count - from, bytes / 8);
}

LLVMValueRef table_global(Table *t, const char *name) {
    if (!t->words.count) return gen_null(t->g);
    LLVMValueRef value = LLVMConstStructInContext(t->g->context, t->words.items, (unsigned)t->words.count, 0);
    return constant(t->g, value, name);
}
