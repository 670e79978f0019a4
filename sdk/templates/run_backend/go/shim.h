/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of C function pointers, which Go cannot make itself.
 */
#ifndef SHIM_H
#define SHIM_H

#include <dcp/plugin.h>

void shim_complete(const dcp_host_api *host, dcp_call *call, dcp_code code, void *data,
                   size_t size);
void shim_set_error(const dcp_host_api *host, dcp_code code, void *data, size_t size);

#endif
