/* <assert.h> for the WASM build: our own bugs trap, which ends the host's call with an error. */
#ifndef RUNTIME_FREESTANDING_ASSERT_H
#define RUNTIME_FREESTANDING_ASSERT_H

#define assert(holds) ((holds) ? (void)0 : __builtin_trap())

#endif
