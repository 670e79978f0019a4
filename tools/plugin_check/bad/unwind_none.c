/* SPDX-License-Identifier: Apache-2.0 */
/* An exception leaves a call, raised as the runtime of another language would. */
#include <unwind.h>

#include "good.h"

static struct _Unwind_Exception thrown;

BAD_INVOKE("Compile", _Unwind_RaiseException(&thrown))
