#include <string.h>
#include "sema/declarations.h"

enum { MOST_MODALITIES = 16 };

/* ---- Looking up ---- */

static const Decl *find_decl(const Decl *const *items, int count, Name name) {
    for (int i = 0; i < count; i++)
        if (items[i]->name == name)
            return items[i];
    return NULL;
}

const Decl *find_encoder(Sema *s, Name name) { return find_decl(s->encoders.items, s->encoders.count, name); }
const Decl *find_policy(Sema *s, Name name)  { return find_decl(s->policies.items, s->policies.count, name); }
const Decl *find_method(Sema *s, Name name)  { return find_decl(s->methods.items, s->methods.count, name); }

int find_modality(Sema *s, Name name) {
    for (int i = 0; i < s->modalities.count; i++)
        if (s->modalities.items[i]->name == name)
            return i;
    return -1;
}

int modality_count(const Sema *s) {
    return s->modalities.count;
}

/* ---- Names that are taken ---- */

static const char *const TRAINER_OPTIONS[] = {
    "seed", "out", "device", "threads", "resume", "eval", "init", "check", "overfit_batch", "quiet", "cache", "cache_limit",
    "json", "help", "version", "predict", "kernels", "sweep", "set",
};
/* What stands where params and modalities do. */
static const char *const VALUE_WORDS[] = {
    "modalities", "active", "trained", "classes", "joint", "head", "split", "feature", "label", "inf", "true", "false",
};
static const char *const LAYER_WORDS[] = {
#define LAYER(kind, name) name,
#include "sema/layers.def"
#undef LAYER
    "repeat", "each", "mean", "sum", "film", "gated",
};
#define COUNT(a) ((int)(sizeof (a) / sizeof *(a)))

static bool one_of(Name name, const char *const *words, int count) {
    for (int i = 0; i < count; i++)
        if (strcmp(name, words[i]) == 0)
            return true;
    return false;
}

static void check_param_name(Sema *s, const Decl *decl) {
    if (one_of(decl->name, TRAINER_OPTIONS, COUNT(TRAINER_OPTIONS)))
        diag(s->diagnostics, E0202, decl->name_span,
             "param `%s` is named like an option of the trainer: `--%s` could not mean both", decl->name, decl->name);
    else if (one_of(decl->name, VALUE_WORDS, COUNT(VALUE_WORDS)))
        diag(s->diagnostics, E0202, decl->name_span, "param `%s` hides the word `%s` of rules and losses", decl->name, decl->name);
}

static void check_modality_name(Sema *s, const Decl *decl) {
    const Decl *param = find_decl(s->params.items, s->params.count, decl->name);
    if (param) {
        Diagnostic *d = diag(s->diagnostics, E0202, decl->name_span, "modality `%s` is named like a param: in a value it could mean both",
                             decl->name);
        diag_note(s->diagnostics, d, param->name_span, "the param");
    } else if (one_of(decl->name, VALUE_WORDS, COUNT(VALUE_WORDS))) {
        diag(s->diagnostics, E0202, decl->name_span, "modality `%s` hides the word `%s` of rules and losses", decl->name, decl->name);
    }
}

static void check_encoder_name(Sema *s, const Decl *decl) {
    if (one_of(decl->name, LAYER_WORDS, COUNT(LAYER_WORDS)))
        diag(s->diagnostics, E0202, decl->name_span, "encoder `%s` is named like a layer", decl->name);
}

/* ---- Collecting ---- */

typedef VECTOR(const Decl *) DeclList;

static const char *kind_text(DeclKind kind) {
    static const char *const texts[] = {
        [DECL_PARAM] = "param", [DECL_DATA] = "data", [DECL_MODALITY] = "modality", [DECL_ENCODER] = "encoder",
        [DECL_POLICY] = "policy", [DECL_METHOD] = "method", [DECL_TARGET] = "target", [DECL_FUSION] = "fusion",
        [DECL_TRAIN] = "train", [DECL_USE] = "use", [DECL_STAGE] = "stage", [DECL_ERROR] = "this",
    };
    return texts[kind];
}

static void report_twice(Sema *s, const Decl *decl, const Decl *first) {
    const Source *there = first->name_span.source;
    bool elsewhere = there != decl->name_span.source;
    Diagnostic *d = elsewhere
        ? diag(s->diagnostics, E0201, decl->name_span, "%s `%s` is also defined in %s, which is used here",
               kind_text(decl->kind), decl->name, there->library ? there->path : place_line(s, first->name_span))
        : diag(s->diagnostics, E0201, decl->name_span, "%s `%s` is defined twice", kind_text(decl->kind), decl->name);
    if (elsewhere)
        diag_help(s->diagnostics, d, "give it another name");
    else
        diag_note(s->diagnostics, d, first->name_span, "first here");
}

/* list is any of Sema's vectors of definitions. */
static void add(Sema *s, void *list, const Decl *decl) {
    DeclList *decls = list;
    if (!decl->name)
        return;
    const Decl *first = find_decl(decls->items, decls->count, decl->name);
    if (first)
        report_twice(s, decl, first);
    else
        VECTOR_PUSH(s->arena, decls, decl);
}

static void add_only(Sema *s, const Decl **slot, const Decl *decl) {
    if (*slot) {
        Diagnostic *d = diag(s->diagnostics, E0201, decl->name_span.source ? decl->name_span : decl->span,
                             "a file has one `%s`", kind_text(decl->kind));
        diag_note(s->diagnostics, d, (*slot)->name_span.source ? (*slot)->name_span : (*slot)->span, "the first is here");
        return;
    }
    *slot = decl;
}

static bool add_definition(Sema *s, const Decl *decl) {
    switch (decl->kind) {
    case DECL_ENCODER: add(s, &s->encoders, decl); return true;
    case DECL_POLICY:  add(s, &s->policies, decl); return true;
    case DECL_METHOD:  add(s, &s->methods, decl);  return true;
    default:           return false;
    }
}

static void add_module(Sema *s, const File *file) {
    for (const Decl *decl = file->decls; decl; decl = decl->next) {
        if (decl->kind == DECL_USE || decl->kind == DECL_ERROR || add_definition(s, decl))
            continue;
        Diagnostic *d = diag(s->diagnostics, E0204, decl->name_span.source ? decl->name_span : decl->span,
                             "a module can't hold a `%s`", kind_text(decl->kind));
        diag_help(s->diagnostics, d, "modules hold encoders, policies and methods");
    }
}

static void add_file(Sema *s, const File *file) {
    for (const Decl *decl = file->decls; decl; decl = decl->next) {
        switch (decl->kind) {
        case DECL_PARAM:    add(s, &s->params, decl);          break;
        case DECL_DATA:     add(s, &s->data, decl);            break;
        case DECL_MODALITY: add(s, &s->modalities, decl);      break;
        case DECL_TARGET:   add_only(s, &s->target, decl);     break;
        case DECL_FUSION:   add_only(s, &s->fusion, decl);     break;
        case DECL_TRAIN:    add_only(s, &s->train, decl);      break;
        default:            add_definition(s, decl);           break;
        }
    }
}

static void check_names(Sema *s) {
    for (int i = 0; i < s->params.count; i++)
        check_param_name(s, s->params.items[i]);
    for (int i = 0; i < s->modalities.count; i++)
        check_modality_name(s, s->modalities.items[i]);
    for (int i = 0; i < s->encoders.count; i++)
        check_encoder_name(s, s->encoders.items[i]);
    if (s->modalities.count > MOST_MODALITIES) {
        diag(s->diagnostics, E0232, s->modalities.items[MOST_MODALITIES]->name_span, "%d modalities, and there can be at most %d",
             s->modalities.count, MOST_MODALITIES);
        s->modalities.count = MOST_MODALITIES;
    }
}

static void check_missing(Sema *s) {
    Span place = {s->analysis->file->source, 0, 0};
    if (s->analysis->broken_syntax)
        return;
    const struct { bool there; const char *what, *how; } parts[] = {
        {s->modalities.count > 0, "modality", "modality NAME : image[1, 28, 28] { input = DATA.FIELD … encoder = … }"},
        {s->target != NULL,       "target",   "target NAME : class[10] = DATA.label"},
        {s->train != NULL,        "`train` block", "train { stage joint { epochs = 10 } }"},
    };
    const char *missing = "";
    Diagnostic *d = NULL;
    for (int i = 0; i < COUNT(parts); i++)
        if (!parts[i].there)
            missing = arena_printf(s->arena, "%s%sno %s", missing, *missing ? ", " : "", parts[i].what);
    if (*missing)
        d = diag(s->diagnostics, E0205, place, "the experiment has %s", missing);
    for (int i = 0; i < COUNT(parts); i++)
        if (!parts[i].there)
            diag_help(s->diagnostics, d, "add `%s`", parts[i].how);
}

static void use_modules(Sema *s, const File *file) {
    for (const Decl *decl = file->decls; decl; decl = decl->next) {
        if (decl->kind != DECL_USE || !decl->name)
            continue;
        for (const Decl *earlier = file->decls; earlier != decl; earlier = earlier->next) {
            if (earlier->kind == DECL_USE && earlier->name == decl->name) {
                diag(s->diagnostics, W0203, decl->name_span, "`%s` is used already", decl->name);
                break;
            }
        }
        module_use(s, decl);
    }
}

void definitions_collect(Sema *s) {
    use_modules(s, s->analysis->file);
    for (int i = 0; i < s->analysis->modules.count; i++)
        add_module(s, s->analysis->modules.items[i].file);
    add_file(s, s->analysis->file);
    check_names(s);
    check_missing(s);
}
