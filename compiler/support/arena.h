/* One arena a compilation: everything of the syntax tree and after lives in it
 * and is released at once. Running out of memory ends the process through
 * mml_ice's sibling, arena_exhausted (exit 3): no caller checks for NULL.
 */
#ifndef SUPPORT_ARENA_H
#define SUPPORT_ARENA_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Arena Arena;

Arena *arena_new(void);
void   arena_free(Arena *arena);
void  *arena_alloc(Arena *arena, size_t bytes);                 /* zeroed, aligned to 16 */
char  *arena_copy(Arena *arena, const char *text, size_t length);   /* NUL added */
char  *arena_printf(Arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
char  *arena_vprintf(Arena *arena, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));

#define NEW(arena, type)          ((type *)arena_alloc((arena), sizeof(type)))
#define NEW_ARRAY(arena, type, n) ((type *)arena_alloc((arena), sizeof(type) * (size_t)(n)))

/* A growing array in an arena: struct { T *items; int count, capacity; }. */
#define VECTOR(T) struct { T *items; int count, capacity; }
#define VECTOR_PUSH(arena, v, item) do {                                                        \
        if ((v)->count == (v)->capacity)                                                        \
            (v)->items = vector_grow((arena), (v)->items, (v)->count, &(v)->capacity, sizeof *(v)->items); \
        (v)->items[(v)->count++] = (item);                                                      \
    } while (0)
void *vector_grow(Arena *arena, void *items, int count, int *capacity, size_t size);

/* Says that memory ran out and exits with 3. */
_Noreturn void arena_exhausted(size_t bytes);

#endif
