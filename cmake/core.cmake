# The freestanding part of base, shared with the WASM build: no libc calls, no allocation of its own.
set(BASE_CORE status err checked bytes cursor utf8 text text_fmt text_fixed json_write hash64 sha256)
list(TRANSFORM BASE_CORE PREPEND base/)
list(TRANSFORM BASE_CORE APPEND .c)
