#include "driver/repl_session.h"

#include <stdlib.h>
#include <string.h>

#include "driver/repl_say.h"
#include "driver/say.h"
#include "driver/tune.h"
#include "sema/library.h"
#include "support/cache.h"
#include "syntax/format.h"
#include "syntax/parse.h"

/* A text that definitions stand in; gone when none of them is left. */
typedef struct { char *path, *text; size_t length; int users; } Text;

typedef struct { Text *text; int index; DeclKind kind; char *name; } Definition;

struct Session {
    const Options *options;
    Definition    *definitions;
    int            count, room;
    char          *main_path;             /* of the first file: modules are looked for beside it */
};

/* Definitions of which there is one, whatever its name. */
static int is_single(DeclKind kind) { return kind == DECL_TARGET || kind == DECL_FUSION || kind == DECL_TRAIN; }

static const char *const kind_words[] = {
    [DECL_ERROR] = "error", [DECL_USE] = "use", [DECL_PARAM] = "param", [DECL_DATA] = "data", [DECL_MODALITY] = "modality",
    [DECL_TARGET] = "target", [DECL_FUSION] = "fusion", [DECL_TRAIN] = "train", [DECL_STAGE] = "stage", [DECL_ENCODER] = "encoder",
    [DECL_POLICY] = "policy", [DECL_METHOD] = "method",
};

/* ---- Texts ---- */

static char *copy(const char *text, size_t length) {
    char *result = malloc(length + 1);
    if (!result) arena_exhausted(length + 1);
    memcpy(result, text, length);
    result[length] = 0;
    return result;
}

static Text *text_new(const char *path, const char *text, size_t length) {
    Text *result = calloc(1, sizeof *result);
    if (!result) arena_exhausted(sizeof *result);
    *result = (Text){.path = copy(path, strlen(path)), .text = copy(text, length), .length = length, .users = 1};
    return result;
}

static void text_release(Text *text) {
    if (--text->users) return;
    free(text->path);
    free(text->text);
    free(text);
}

static void definition_release(Definition *definition) {
    text_release(definition->text);
    free(definition->name);
}

Session *session_new(const Options *options) {
    Session *session = calloc(1, sizeof *session);
    if (!session) arena_exhausted(sizeof *session);
    session->options = options;
    return session;
}

void session_free(Session *session) {
    for (int i = 0; i < session->count; i++) definition_release(&session->definitions[i]);
    free(session->definitions);
    free(session->main_path);
    free(session);
}

void session_set_path(Session *session, const char *path) {
    if (!session->main_path) session->main_path = copy(path, strlen(path));
}

const Options *session_options(const Session *session) { return session->options; }

/* ---- Questions ---- */

Question question_new(Session *session) {
    Question question = {.session = session, .arena = arena_new()};
    question.names = interner_new(question.arena);
    question.diagnostics = diagnostics_new(question.arena);
    return question;
}

int question_failed(const Question *question) { return diag_errors(question->diagnostics) > 0; }

void question_end(Question *question) {
    if (!question->arena) return;
    if (question_failed(question)) {
        fflush(stdout);
        diag_print(question->diagnostics, stderr, DIAG_TEXT, options_colored(question->session->options));
        repl_note_error();
    }
    arena_free(question->arena);
    question->arena = NULL;
}

static const File *parsed(Question *question, const Text *text) {
    for (int i = 0; i < question->files.count; i++)
        if (question->files.items[i]->source->text == text->text) return question->files.items[i];
    const Source *source = source_from_text(question->arena, arena_copy(question->arena, text->path, strlen(text->path)), text->text, text->length);
    const File *file = parse_file(question->arena, question->names, question->diagnostics, source);
    VECTOR_PUSH(question->arena, &question->files, file);
    return file;
}

static const Decl *decl_of(Question *question, const Definition *definition) {
    const Decl *decl = parsed(question, definition->text)->decls;
    for (int i = 0; decl && i < definition->index; i++) decl = decl->next;
    if (!decl) mml_ice("a definition of the prompt isn't in its text any more");
    return decl;
}

/* ---- Lists of definitions for sema ---- */

typedef struct { Question *question; Decl *first, *last; } DeclChain;

static void chain_add(DeclChain *chain, const Decl *decl) {
    Decl *own = NEW(chain->question->arena, Decl);
    *own = *decl;
    own->next = NULL;
    if (chain->last) chain->last->next = own;
    else chain->first = own;
    chain->last = own;
}

static int is_library(const char *module) {
    for (int i = 0; i < library_text_count; i++)
        if (!strcmp(library_texts[i].name, module)) return 1;
    return 0;
}

static int session_has(const Session *session, DeclKind kind, const char *name) {
    for (int i = 0; i < session->count; i++)
        if (session->definitions[i].kind == kind && (!name || !strcmp(session->definitions[i].name, name))) return 1;
    return 0;
}

static const File *library_file(Question *question, int index) {
    const LibraryText *text = &library_texts[index];
    for (int i = 0; i < question->files.count; i++)
        if (question->files.items[i]->source->text == (const char *)text->text) return question->files.items[i];
    Source *source = source_from_text(question->arena, text->path, (const char *)text->text, text->length);
    source->library = 1;
    const File *file = parse_file(question->arena, question->names, question->diagnostics, source);
    VECTOR_PUSH(question->arena, &question->files, file);
    return file;
}

/* The library's definitions but for those that the session has its own of. */
static void chain_library(DeclChain *chain, const char *module) {
    for (int i = 0; i < library_text_count; i++) {
        if (module && strcmp(module, library_texts[i].name)) continue;
        for (const Decl *decl = library_file(chain->question, i)->decls; decl; decl = decl->next)
            if (decl->kind != DECL_USE && !session_has(chain->question->session, decl->kind, decl->name)) chain_add(chain, decl);
    }
}

static const Source *main_source(Question *question) {
    const char *path = question->session->main_path ? question->session->main_path : "prompt";
    return source_from_text(question->arena, arena_copy(question->arena, path, strlen(path)), "", 0);
}

static const File *file_of(DeclChain *chain) {
    File *file = NEW(chain->question->arena, File);
    *file = (File){.source = main_source(chain->question), .decls = chain->first};
    return file;
}

static int chain_has_param(const DeclChain *chain, const char *name) {
    for (const Decl *decl = chain->first; decl; decl = decl->next)
        if (decl->kind == DECL_PARAM && !strcmp(decl->name, name)) return 1;
    return 0;
}

/* -D counts where the param is; --set for the whole experiment only. */
static Program *analysed(DeclChain *chain, int is_whole) {
    const Options *o = chain->question->session->options;
    VECTOR(Define) defines = {0};
    for (int i = 0; i < o->defines.count; i++)
        if (is_whole || chain_has_param(chain, o->defines.items[i].name)) VECTOR_PUSH(chain->question->arena, &defines, o->defines.items[i]);
    AnalyseOptions analysis = {.include = o->include.items, .include_count = o->include.count, .defines = defines.items, .define_count = defines.count};
    if (is_whole) analysis.sets = o->sets.items, analysis.set_count = o->sets.count;
    return analyse(chain->question->arena, chain->question->names, chain->question->diagnostics, file_of(chain), &analysis);
}

Program *session_program(Question *question) {
    DeclChain chain = {question, NULL, NULL};
    chain_library(&chain, NULL);
    for (int i = 0; i < question->session->count; i++) {
        const Definition *definition = &question->session->definitions[i];
        if (definition->kind != DECL_USE || !is_library(definition->name)) chain_add(&chain, decl_of(question, definition));
    }
    return analysed(&chain, 1);
}

const Expr *session_stage_policy(Question *question) {
    for (int i = 0; i < question->session->count; i++) {
        if (question->session->definitions[i].kind != DECL_TRAIN) continue;
        for (const Decl *stage = decl_of(question, &question->session->definitions[i])->stages; stage; stage = stage->next)
            for (const Property *property = stage->properties; property; property = property->next)
                if (!strcmp(property->name, "policy")) return property->value;
    }
    return NULL;
}

int session_has_experiment(const Session *session) {
    return session_has(session, DECL_MODALITY, NULL) && session_has(session, DECL_TARGET, NULL) && session_has(session, DECL_TRAIN, NULL);
}

/* ---- Small programs ---- */

typedef struct { Question *question; int *usable; int fine; } ParamCheck;

static void names_in(const Expr *expr, void (*visit)(void *context, const Expr *name), void *context) {
    if (!expr) return;
    if (expr->kind == EXPR_NAME) visit(context, expr);
    names_in(expr->base, visit, context);
    names_in(expr->right, visit, context);
    names_in(expr->other, visit, context);
    for (const Arg *arg = expr->arguments; arg; arg = arg->next) names_in(arg->value, visit, context);
    for (const StringPart *part = expr->parts; part; part = part->next) names_in(part->expr, visit, context);
}

static void check_param(void *context, const Expr *name) {
    ParamCheck *check = context;
    const Session *session = check->question->session;
    for (int i = 0; i < session->count; i++)
        if (session->definitions[i].kind == DECL_PARAM && !strcmp(session->definitions[i].name, name->name) && !check->usable[i]) check->fine = 0;
}

static int is_modality(const Binding *binding, const char *name) {
    for (int i = 0; i < binding->count; i++)
        if (!strcmp(binding->modalities[i], name)) return 1;
    return 0;
}

/* Params that need nothing that isn't given, and aren't named like a modality of the log. */
static void chain_params(DeclChain *chain, const Binding *binding) {
    Question *question = chain->question;
    const Session *session = question->session;
    ParamCheck check = {question, NEW_ARRAY(question->arena, int, session->count + 1), 1};
    for (int changed = 1; changed;) {
        changed = 0;
        for (int i = 0; i < session->count; i++) {
            const Definition *definition = &session->definitions[i];
            if (definition->kind != DECL_PARAM || check.usable[i] || is_modality(binding, definition->name)) continue;
            const Decl *decl = decl_of(question, definition);
            check.fine = decl->value != NULL;
            names_in(decl->value, check_param, &check);
            if (check.fine || binding->all_params) check.usable[i] = changed = 1;
        }
    }
    for (int i = 0; i < session->count; i++)
        if (check.usable[i]) chain_add(chain, decl_of(question, &session->definitions[i]));
}

static const File *scaffold(Question *question, const Binding *binding) {
    const char *text = arena_printf(question->arena,
        "data _data = idx(\"_\")\ntarget _target : class[2] = _data.label\n"
        "train { stage unimodal { epochs = 1; probe = %s(); policy = always() } }\nparam _value = 0\n",
        binding->count > 1 ? "pid" : "mutual_information");
    for (int m = 0; m < binding->count; m++)
        text = arena_printf(question->arena, "%smodality %s : image[1, 1, 1] { input = _data.image; encoder = linear(1) }\n", text, binding->modalities[m]);
    return parse_file(question->arena, question->names, question->diagnostics, source_from_text(question->arena, "<scaffold>", text, strlen(text)));
}

static void own_modalities(Question *question, Binding *binding) {
    static const char *const two[] = {"x1", "x2"};
    VECTOR(const char *) names = {0};
    for (int i = 0; i < question->session->count; i++)
        if (question->session->definitions[i].kind == DECL_MODALITY) VECTOR_PUSH(question->arena, &names, question->session->definitions[i].name);
    binding->modalities = names.count ? names.items : two;
    binding->count      = names.count ? names.count : 2;
}

Program *session_bound(Question *question, const Binding *given) {
    Binding binding = *given;
    if (!binding.modalities) own_modalities(question, &binding);
    DeclChain chain = {question, NULL, NULL};
    chain_library(&chain, "policies");
    for (int i = 0; i < question->session->count; i++)
        if (question->session->definitions[i].kind == DECL_POLICY) chain_add(&chain, decl_of(question, &question->session->definitions[i]));
    chain_params(&chain, &binding);
    for (Decl *decl = (Decl *)scaffold(question, &binding)->decls; decl; decl = decl->next) {
        if (decl->kind == DECL_PARAM && !binding.value) continue;
        if (decl->kind == DECL_PARAM) decl->value = (Expr *)binding.value;
        for (Property *property = decl->stages ? decl->stages->properties : NULL; property && binding.policy; property = property->next)
            if (!strcmp(property->name, "policy")) property->value = (Expr *)binding.policy;
        chain_add(&chain, decl);
    }
    return analysed(&chain, 0);
}

/* ---- Defining ---- */

static void store(Session *session, Definition definition) {
    for (int i = 0; i < session->count; i++) {
        Definition *old = &session->definitions[i];
        if (old->kind != definition.kind || (!is_single(old->kind) && strcmp(old->name, definition.name))) continue;
        definition_release(old);
        *old = definition;
        return;
    }
    if (session->count == session->room) {
        session->room = session->room ? 2 * session->room : 32;
        Definition *larger = realloc(session->definitions, sizeof *larger * (size_t)session->room);
        if (!larger) arena_exhausted(sizeof *larger * (size_t)session->room);
        session->definitions = larger;
    }
    session->definitions[session->count++] = definition;
}

/* A session with the same definitions, to try out further ones. */
static Session *session_copy(const Session *session) {
    Session *result = session_new(session->options);
    if (session->main_path) result->main_path = copy(session->main_path, strlen(session->main_path));
    for (int i = 0; i < session->count; i++) {
        Definition definition = session->definitions[i];
        definition.text->users++;
        definition.name = copy(definition.name, strlen(definition.name));
        store(result, definition);
    }
    return result;
}

static void session_swap(Session *a, Session *b) {
    Session kept = *a;
    *a = *b;
    *b = kept;
}

static int has_defaults(const Decl *decl) {
    for (const Formal *formal = decl->formals; formal; formal = formal->next)
        if (!formal->value) return 0;
    return 1;
}

/* Is what was added right by itself? Policies that need no arguments are bound; all of an experiment is analysed. */
static void check_added(Question *question, const File *added) {
    const char *const *no_names = NULL;
    for (const Decl *decl = added->decls; decl && !question_failed(question); decl = decl->next) {
        if (decl->kind == DECL_PARAM) session_bound(question, &(Binding){.modalities = no_names, .all_params = 1});
        if (decl->kind != DECL_POLICY) continue;
        Expr *call = NEW(question->arena, Expr), *name = NEW(question->arena, Expr);
        *name = (Expr){.kind = EXPR_NAME, .span = decl->name_span, .name = decl->name, .name_span = decl->name_span, .depth = 1};
        *call = (Expr){.kind = EXPR_CALL, .span = decl->name_span, .base = name, .depth = 2};
        session_bound(question, &(Binding){.modalities = no_names, .policy = has_defaults(decl) ? call : NULL});
    }
    if (!question_failed(question) && session_has_experiment(question->session)) session_program(question);
}

static const char *describe(Question *question, const File *file) {
    const char *text = "";
    int count = 0;
    for (const Decl *decl = file->decls; decl; decl = decl->next, count++)
        if (count < 8)
            text = arena_printf(question->arena, "%s%s%s%s%s", text, *text ? ", " : "", kind_words[decl->kind], decl->name ? " " : "", decl->name ? decl->name : "");
    return count > 8 ? arena_printf(question->arena, "%s and %d more", text, count - 8) : text;
}

int session_define(Question *question, const char *name, const char *text, size_t length, const char **added) {
    Session *session = question->session, *trial = session_copy(session);
    Text    *kept = text_new(name, text, length);
    const File *file = parsed(question, kept);
    int index = 0;
    for (const Decl *decl = file->decls; decl && !question_failed(question); decl = decl->next) {
        kept->users++;
        store(trial, (Definition){.text = kept, .index = index++, .kind = decl->kind, .name = copy(decl->name ? decl->name : "", decl->name ? strlen(decl->name) : 0)});
    }
    question->session = trial;
    if (!question_failed(question)) check_added(question, file);
    question->session = session;
    int fine = !question_failed(question);
    if (fine && added) *added = describe(question, file);
    if (fine) session_swap(session, trial);
    else question_end(question);
    text_release(kept);
    session_free(trial);
    return fine;
}

int session_bind(Question *question, Name name, const char *type, const char *literal) {
    const char *text = arena_printf(question->arena, "param %s : %s = %s\n", name, type, literal);
    return session_define(question, "prompt", text, strlen(text), NULL);
}

/* ---- What there is ---- */

void session_each(const Session *session, EachDefinition visit, void *context) {
    for (int i = 0; i < session->count; i++)
        visit(context, session->definitions[i].kind, session->definitions[i].name, session->definitions[i].text->path);
}

int session_defines(Question *question, DeclKind kind, Name name) {
    if (session_has(question->session, kind, name)) return 1;
    for (int i = 0; i < library_text_count; i++)
        for (const Decl *decl = library_file(question, i)->decls; decl; decl = decl->next)
            if (decl->kind == kind && !strcmp(decl->name, name)) return 1;
    return 0;
}

/* A definition with the comments directly above it and the one behind it. */
static const char *whole_text(Question *question, const Decl *decl) {
    const Source *source = decl->span.source;
    const char *begin = source->text + decl->span.begin, *end = source->text + decl->span.end;
    while (begin > source->text && begin[-1] != '\n') begin--;
    while (begin > source->text) {
        const char *above = begin - 1;
        while (above > source->text && above[-1] != '\n') above--;
        if (above[strspn(above, " \t")] != '#') break;
        begin = above;
    }
    if (end[strspn(end, " \t")] == '#') end += strcspn(end, "\n");
    if (begin < source->text + decl->span.begin && *begin != '#') begin = source->text + decl->span.begin;
    return arena_copy(question->arena, begin, (size_t)(end - begin));
}

static const char *text_where(Question *question, int (*wanted)(const Definition *definition, const char *name), const char *name) {
    const char *text = "";
    DeclKind last = DECL_ERROR;
    for (int i = 0; i < question->session->count; i++) {
        const Definition *definition = &question->session->definitions[i];
        if (!wanted(definition, name)) continue;
        const char *one = definition->kind == DECL_USE ? arena_printf(question->arena, "use %s", definition->name) : whole_text(question, decl_of(question, definition));
        int together = definition->kind == last && (last == DECL_USE || last == DECL_PARAM);
        text = arena_printf(question->arena, "%s%s%s\n", text, *text && !together ? "\n" : "", one);
        last = definition->kind;
    }
    return text;
}

static int any(const Definition *definition, const char *name)            { return 1; }
static int is_policy(const Definition *definition, const char *name)      { return definition->kind == DECL_POLICY; }
static int is_no_policy(const Definition *definition, const char *name)   { return definition->kind != DECL_POLICY; }
static int is_named(const Definition *definition, const char *name)       { return !strcmp(definition->name, name); }

const char *session_text(Question *question) {
    const char *text = text_where(question, any, NULL);
    size_t length;
    const Source *source = source_from_text(question->arena, "prompt", text, strlen(text));
    const char *formatted = format_source(question->arena, question->names, question->diagnostics, source, &length);
    return formatted ? formatted : text;
}

const char *session_experiment_text(Question *question) { return text_where(question, is_no_policy, NULL); }
const char *session_policy_text(Question *question)     { return text_where(question, is_policy, NULL); }

const char *session_definition_text(Question *question, const char *name) {
    const char *text = text_where(question, is_named, name);
    return *text ? text : NULL;
}

/* ---- Machine code ---- */

KernelHost session_host(Question *question) {
    const char *reason;
    return tune_host(question->arena, question->session->options->cpu, cache_folder(question->arena, NULL, &reason));
}

CodegenOptions session_code_options(Question *question, const Program *program, int for_training) {
    const Options *o = question->session->options;
    CodegenOptions code = {.optimize = for_training ? o->optimize : 0, .cpu = o->cpu, .rules_only = !for_training,
                           .debug = for_training && o->debug, .compiler = "mmlc " MML_VERSION, .flags = options_flags(question->arena, o)};
    if (!for_training) return code;
    KernelHost host = session_host(question);
    code.times = host.times;
    code.flags = arena_printf(question->arena, "%s%s", code.flags, tune_flag(question->arena, program, host));
    return code;
}

void compiled_free(Compiled *compiled) {
    mml_arena_free(compiled->arena);
    jit_free(compiled->jit);
    *compiled = (Compiled){0};
}

int session_compile(Question *question, const Program *program, int for_training, Compiled *out) {
    CodegenOptions options = session_code_options(question, program, for_training);
    *out = (Compiled){.arena = mml_arena_new()};
    out->jit = jit_compile(question->arena, question->diagnostics, program, &options);
    if (!out->jit) {
        compiled_free(out);
        return 0;
    }
    out->experiment = jit_experiment(out->jit);
    Status status = out->arena ? MML_OK : MML_ENOMEM;
    if (status == MML_OK && !for_training) {
        status = mml_settings_new(out->arena, out->experiment, &out->settings);
        if (status == MML_OK) status = mml_settings_finish(&out->settings);
    }
    if (status == MML_OK) return 1;
    repl_error("%s", mml_message());
    compiled_free(out);
    return 0;
}
