/* SPDX-License-Identifier: Apache-2.0 */
#include <dcp/sdk/manifest.S>
