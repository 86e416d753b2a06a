#include <errno.h>
#include <string.h>
#include "sema/declarations.h"
#include "syntax/parse.h"

static bool already_there(Sema *s, const char *name) {
    for (int i = 0; i < s->analysis->modules.count; i++)
        if (strcmp(s->analysis->modules.items[i].name, name) == 0)
            return true;
    return false;
}

static const char *folder_of(Sema *s, const Source *source) {
    const char *slash = strrchr(source->path, '/');
    return slash ? arena_copy(s->arena, source->path, (size_t)(slash - source->path) + 1) : "";
}


/* The module's text: the library's, the one beside the file that uses it, the one in a -I folder. */
static const Source *find_source(Sema *s, const Decl *use) {
    const Source *source = library_source(s->arena, use->name);
    if (source || use->name_span.source->library)
        return source;
    int folders = 1 + (s->options ? s->options->include_count : 0);
    for (int i = 0; i < folders; i++) {
        const char *folder = i == 0 ? folder_of(s, use->name_span.source) : s->options->include[i - 1];
        size_t length = strlen(folder);
        const char *slash = length == 0 || folder[length - 1] == '/' ? "" : "/";
        const char *path = arena_printf(s->arena, "%s%s%s.mml", folder, slash, use->name);
        errno = 0;
        source = source_read(s->arena, path);
        if (source)
            return source;
        if (errno != ENOENT && errno != ENOTDIR) {
            diag(s->diagnostics, E0203, use->name_span, "the module %s can't be read: %s", path, strerror(errno));
            s->incomplete = true;
            return NULL;
        }
    }
    return NULL;
}

static void report_missing(Sema *s, const Decl *use) {
    const char *const *names;
    int count = library_names(&names);
    Diagnostic *d = diag(s->diagnostics, E0203, use->name_span, "there is no module `%s`: neither in the library nor as %s%s.mml",
                         use->name, folder_of(s, use->name_span.source), use->name);
    help_names(s, d, use->name, names, count, "the library has");
}

/* Library and modules first come, first kept: a module that is used twice, or in a circle, is read once. */
void module_use(Sema *s, const Decl *use) {
    if (!use->name || already_there(s, use->name))
        return;
    int before = diag_errors(s->diagnostics);
    const Source *source = find_source(s, use);
    if (!source) {
        if (diag_errors(s->diagnostics) == before)
            report_missing(s, use);
        s->incomplete = true;
        return;
    }
    if (strcmp(source->path, s->analysis->file->source->path) == 0) {
        diag(s->diagnostics, E0203, use->name_span, "`%s` is the experiment itself, not a module", use->name);
        return;
    }
    const File *file = parse_file(s->arena, s->names, s->diagnostics, source);
    s->incomplete |= diag_errors(s->diagnostics) > before;
    VECTOR_PUSH(s->arena, &s->analysis->modules, ((Module){use->name, file}));
    for (const Decl *decl = file->decls; decl; decl = decl->next)
        if (decl->kind == DECL_USE)
            module_use(s, decl);
}

bool of_module(const Sema *s, Span span) {
    if (!span.source || span.source->library)
        return span.source != NULL;
    for (int i = 0; i < s->analysis->modules.count; i++)
        if (s->analysis->modules.items[i].file->source == span.source)
            return true;
    return false;
}

bool definitions_lend_uniform(Sema *s) {
    Name name = intern_text(s->names, "uniform");
    if (find_method(s, name))
        return false;
    const Source *source = library_source(s->arena, "methods");
    const File *file = source ? parse_file(s->arena, s->names, s->diagnostics, source) : NULL;
    for (const Decl *decl = file ? file->decls : NULL; decl; decl = decl->next) {
        if (decl->kind == DECL_METHOD && decl->name == name) {
            VECTOR_PUSH(s->arena, &s->methods, decl);
            return true;
        }
    }
    mml_ice("the library has no method `uniform`");
}

void definitions_return_uniform(Sema *s) {
    s->methods.count--;
}
