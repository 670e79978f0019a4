/* SPDX-License-Identifier: Apache-2.0 */
/* A program, and no shared object. */
int main(void) { return 0; }
