/* Pickles of NumPy arrays: Python's serialisation, protocols 2 to 4, read with a
 * white list.
 *
 * A pickle is a program for a stack machine that may call anything Python can
 * import. Of its opcodes those are carried out that NumPy's own pickles are made
 * of, and of its names only NumPy's array, its data type and the function that
 * makes an empty array; any other name is refused in a message that repeats it.
 * Nothing is called: the three names stand for objects of this reader.
 */
#ifndef DATA_PICKLE_H
#define DATA_PICKLE_H

#include "data/npy.h"

typedef enum {
    PICKLE_NONE, PICKLE_BOOL, PICKLE_INTEGER, PICKLE_TEXT, PICKLE_TUPLE, PICKLE_LIST, PICKLE_DICT, PICKLE_ARRAY, PICKLE_DTYPE,
    PICKLE_GLOBAL, PICKLE_MARK
} PickleKind;

typedef struct PickleValue PickleValue;

struct PickleValue {
    PickleKind   kind;
    i64          integer;            /* INTEGER, BOOL; GLOBAL: which                */
    const u8    *text;               /* TEXT, also of bytes: in the pickle          */
    i64          length;             /* of the text, or of items                    */
    PickleValue **items;             /* TUPLE, LIST; DICT: key, value, key …        */
    i64          capacity;
    PickleValue *type, *state;       /* ARRAY: its DTYPE and what it was built from; DTYPE: state */
};

/* The value of the pickle at bytes[count], in arena; texts point into bytes. what:
 * for messages. MML_EDATA for anything else than described. */
Status mml_pickle_read(const char *what, const u8 *bytes, i64 count, MmlArena *arena, const PickleValue **out);

/* The value of a text key in a DICT, or NULL. */
const PickleValue *mml_pickle_get(const PickleValue *dict, const char *key);
/* The one element of an array of objects without axes, or NULL. */
const PickleValue *mml_pickle_object(const PickleValue *array);
/* An array of numbers as it lies in the pickle: values point there, not settled, not to be written. out->what is what. */
Status mml_pickle_view(const char *what, const PickleValue *value, NpyArray *out);
/* The same, its values copied (malloc) and settled. */
Status mml_pickle_array(const char *what, const PickleValue *value, NpyArray *out);

#endif
