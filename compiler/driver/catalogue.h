/* `mmlc explain CODE`: the catalogue of diagnostics. */
#ifndef DRIVER_CATALOGUE_H
#define DRIVER_CATALOGUE_H

/* code "E0110" (or "e0110", "0110"), or NULL for a list of all. Returns the exit code. */
int explain_command(const char *code);

#endif
