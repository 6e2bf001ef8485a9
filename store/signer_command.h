/* The way to a secret key outside the process: $ASSAY_SIGNER names a command, split at spaces, run
 * without a shell (found through $PATH), with the key id as its last argument. It reads the bytes
 * to sign from its standard input and prints the 64-byte Ed25519 signature in base64. */
#ifndef STORE_SIGNER_COMMAND_H
#define STORE_SIGNER_COMMAND_H

#include "store/key.h"

#define SIGNER_COMMAND_MAX  1024 /* bytes of the command */
#define SIGNER_COMMAND_ARGS 32

/* Runs `command`, which is shorter than SIGNER_COMMAND_MAX; the signature is checked under k before
 * it is handed out. ST_SIGNATURE, ST_HARNESS. */
enum status signer_command(const char *command, const struct public_key *k, struct span bytes,
                           uint8_t sig[KEY_SIGNATURE_BYTES], struct err *e) MUST_CHECK;

#endif
