/* SPDX-License-Identifier: Apache-2.0
 *
 * The backend's own part. plugin.c stands between it and the host.
 */
#ifndef BACKEND_H
#define BACKEND_H

#include <dcp/sdk/json.h>

/* Checks the configuration. DCP_OK, or another code with the reason in `why`. No effect. */
dcp_code backend_configure(dcp_bytes config, dcp_text *why);

/* One call. `out` gets the answer with DCP_OK, else an Error message; both JSON. Several calls may
 * run at once. */
dcp_code backend_call(dcp_bytes config, dcp_bytes method, dcp_bytes request, dcp_text *out);

/* Writes an Error message to `out` and answers `code`. */
dcp_code backend_fail(dcp_text *out, dcp_code code, const char *message, const char *hint);

#endif
