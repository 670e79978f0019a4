/* SPDX-License-Identifier: Apache-2.0 */
/* Explains the failure of a call as if it were a configuration's. */
#include "good.h"

BAD_INVOKE("Compile", self->host->set_error(self->host->host, DCP_NOT_FOUND, Bytes("no command")))
