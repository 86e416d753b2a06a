#include "codegen/rules.h"

#include <stddef.h>
#include "codegen/values.h"

static void statements(ValueScope *s, const Do *first);

/* ---- Storing ---- */

static void store_word(ValueScope *s, LLVMValueRef base, int64_t number, LLVMValueRef value) {
    gen_store(s->g, value, base, (size_t)number * 8);
}

/* value into the word, or into M words when it is one for each modality. */
static void assign(ValueScope *s, LLVMValueRef base, const Do *at) {
    int elements = at->value->type.each ? s->g->modalities : 1;
    LLVMValueRef values[MML_MAX_MODALITIES];      /* all are read before any is written */
    for (int m = 0; m < elements; m++) values[m] = value_emit(s, at->value, m);
    for (int m = 0; m < elements; m++) store_word(s, base, at->number + m, values[m]);
}

static void assign_indexed(ValueScope *s, const Do *at) {
    Gen *g = s->g;
    LLVMValueRef index = value_emit(s, at->index, 0), value = value_emit(s, at->value, 0);
    value_check_index(s, index, at->index->span);
    LLVMValueRef word = LLVMBuildAdd(g->builder, index, gen_int(g, at->number), "");
    LLVMBuildStore(g->builder, value, LLVMBuildInBoundsGEP2(g->builder, g->i64, s->state, &word, 1, ""));
}

/* ---- Actions ---- */

static LLVMValueRef modality_operand(ValueScope *s, const Do *at, int operand) {
    LLVMValueRef index = value_emit(s, at->operands[operand], 0);
    value_check_index(s, index, at->operands[operand]->span);
    return index;
}

static void only(ValueScope *s, const Do *at) {
    Gen *g = s->g;
    LLVMValueRef mask = gen_int(g, 0);
    for (int i = 0; i < at->count; i++)
        mask = LLVMBuildOr(g->builder, mask, LLVMBuildShl(g->builder, gen_int(g, 1), modality_operand(s, at, i), ""), "");
    gen_call(g, CALL_rule_only, (LLVMValueRef[]){s->context, mask}, 2);
}

static void tell(ValueScope *s, RuntimeCall call, const Do *at) {
    LLVMValueRef text = at->count ? value_emit(s, at->operands[0], 0) : gen_text(s->g, "");
    gen_call(s->g, call, (LLVMValueRef[]){s->context, text}, 2);
}

static void action(ValueScope *s, const Do *at) {
    Gen *g = s->g;
    switch (at->action) {
    case ACT_ONLY:   only(s, at); break;
    case ACT_ALL:    gen_call(g, CALL_rule_all, &s->context, 1); break;
    case ACT_PAUSE:
    case ACT_RESUME:
        for (int i = 0; i < at->count; i++)
            gen_call(g, at->action == ACT_PAUSE ? CALL_rule_pause : CALL_rule_resume,
                     (LLVMValueRef[]){s->context, modality_operand(s, at, i)}, 2);
        break;
    case ACT_FINISH: tell(s, CALL_rule_finish, at); break;
    case ACT_SAY:    tell(s, CALL_rule_say, at); break;
    case ACT_FAIL:                                        /* nothing of the handler runs behind it */
        tell(s, CALL_rule_fail, at);
        LLVMBuildBr(g->builder, s->failed);
        LLVMPositionBuilderAtEnd(g->builder, gen_block(g, s->function, "behind"));
        break;
    }
}

/* ---- Statements ---- */

static void branch(ValueScope *s, const Do *at) {
    Gen *g = s->g;
    LLVMBasicBlockRef then = gen_block(g, s->function, "then"), otherwise = gen_block(g, s->function, "else");
    LLVMBasicBlockRef join = gen_block(g, s->function, "join");
    LLVMValueRef holds = LLVMBuildICmp(g->builder, LLVMIntNE, value_emit(s, at->value, 0), gen_int(g, 0), "");
    LLVMBuildCondBr(g->builder, holds, then, otherwise);
    LLVMPositionBuilderAtEnd(g->builder, then);
    statements(s, at->body);
    LLVMBuildBr(g->builder, join);
    LLVMPositionBuilderAtEnd(g->builder, otherwise);
    statements(s, at->otherwise);
    LLVMBuildBr(g->builder, join);
    LLVMPositionBuilderAtEnd(g->builder, join);
}

static void statements(ValueScope *s, const Do *first) {
    for (const Do *at = first; at; at = at->next) {
        debug_at(s->g, at->span);
        switch (at->kind) {
        case DO_LOCAL:  assign(s, s->locals, at); break;
        case DO_STATE:  if (at->index) assign_indexed(s, at); else assign(s, s->state, at); break;
        case DO_IF:     branch(s, at); break;
        case DO_ACTION: action(s, at); break;
        }
    }
}

/* ---- Handlers ---- */

static LLVMValueRef handler(Gen *g, const Rule *rule, const Handler *handler, const char *name, int has_event) {
    if (!handler->present) return gen_null(g);
    Span span = handler->body ? handler->body->span : rule->span;
    LLVMValueRef function = gen_function(g, arena_printf(g->arena, "%s.%s", rule->path, name), 1 + has_event, span);
    debug_at(g, span);
    ValueScope s = {.g = g, .function = function, .context = LLVMGetParam(function, 0), .failed = gen_block(g, function, "leave")};
    s.event    = has_event ? LLVMGetParam(function, 1) : NULL;
    s.text     = gen_load(g, g->pointer, s.context, offsetof(MmlRuleContext, text));
    s.settings = gen_load(g, g->pointer, s.context, offsetof(MmlRuleContext, settings));
    s.state    = gen_load(g, g->pointer, s.context, offsetof(MmlRuleContext, state));
    if (handler->locals) s.locals = LLVMBuildAlloca(g->builder, LLVMArrayType2(g->i64, (uint64_t)handler->locals), "locals");
    statements(&s, handler->body);
    LLVMBuildBr(g->builder, s.failed);
    LLVMMoveBasicBlockAfter(s.failed, LLVMGetLastBasicBlock(function));
    LLVMPositionBuilderAtEnd(g->builder, s.failed);
    gen_function_end(g);
    return function;
}

LLVMValueRef rule_table(Gen *g, const Rule *rule) {
    if (!rule) return gen_null(g);
    Table states = table_new(g);
    for (int i = 0; i < rule->states.count; i++) {
        const State *state = &rule->states.items[i];
        int from = states.words.count;
        table_text(&states, state->name);
        table_int(&states, state->type.kind - TYPE_INT);
        table_int(&states, state->type.each);
        table_int(&states, state->slot);
        table_end(&states, from, sizeof(MmlState));
    }
    Table table = table_new(g);
    table_text(&table, rule->name);
    table_text(&table, rule->path);
    table_int(&table, rule->state_words);
    table_int(&table, rule->states.count);
    table_value(&table, table_global(&states, "states"));
    table_value(&table, handler(g, rule, &rule->start, "start", 0));
    table_value(&table, handler(g, rule, &rule->on_probe, "on_probe", 1));
    table_value(&table, handler(g, rule, &rule->on_epoch, "on_epoch", 1));
    table_value(&table, handler(g, rule, &rule->on_end_epoch, "on_end_epoch", 1));
    table_end(&table, 0, sizeof(MmlRule));
    return table_global(&table, "rule");
}
