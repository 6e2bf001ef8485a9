/* Commands: models, with the bundled runtime. */
#include "cli/table.h"

static const struct command rows[] = {
    {.name = "run",
     .words = "REF",
     .least = 1,
     .most = 1,
     .summary = "generate text",
     .about =
         "Loads the verified bytes of REF and streams what the model says. The defaults take "
         "the likeliest\n"
         "token each time; for draws give --temperature and --top-k. When it fails, what is known "
         "is kept in a\nfile for assay diagnose.",
     .examples = "assay run tiny@preview --prompt 'Once upon a time'\n"
                 "assay run tiny@1 --temperature 0.8 --top-k 40 --seed 7 --max-new-tokens "
                 "100\nassay run tiny@1 --json",
     .run = cmd_run,
     OPTIONS(OPT_PROMPT, OPT_MAX_NEW_TOKENS, OPT_TEMPERATURE, OPT_TOP_K, OPT_TOP_P, OPT_SEED,
             OPT_THREADS, OPT_STREAM, OPT_UNPROVEN, OPT_PROMPT_POLICY)},
    {.name = "diagnose",
     .words = "REF|INCIDENT",
     .least = 1,
     .most = 1,
     .summary = "at which stage did it fail, and what helps",
     .about = "INCIDENT is a file (NAME.json, or with a / in it) that the page, a failed run or a "
              "failed gate kept. Its\n"
              "identities are held against the store, the artifact is loaded and generated from "
              "again in a sandbox,\n"
              "the stage is named (six of a load, seven of a generation) and the narrowest "
              "recovery. --prompt gives\n"
              "the text where the file has only its length or digest. With REF the same is done "
              "without an incident;\n"
              "it then leaves as that load and generation would. docs/incident.md has the file's "
              "members.",
     .examples = "assay diagnose assay-incident-2026-11-28T04-09-14-468Z.json\n"
                 "assay diagnose ./incident.json --prompt 'Once upon a time' --json\n"
                 "assay diagnose tiny@stable",
     .run = cmd_diagnose,
     OPTIONS(OPT_PROMPT)},
    {.name = "serve",
     .words = "",
     .summary = "the runtime in your browser, for promoted models",
     .about = "Serves a page on 127.0.0.1 that runs what the channels hand out, in the browser, by "
              "the same C as\n"
              "here. Every model is proven as `run` proves it, each time it is asked for. It only "
              "reads; it ends\n"
              "with Ctrl-C.",
     .examples = "assay serve\nassay serve --port 9000\nassay serve --port 0 --json",
     .run = cmd_serve,
     OPTIONS(OPT_PORT)},
    {.name = "eval",
     .words = "REF --text FILE",
     .least = 1,
     .most = 1,
     .summary = "how likely is a text",
     .about = "Log-likelihood of a text, each part alone: nats a token and bits a byte. Parts end "
              "at lines that\n"
              "equal LINE; white space at both ends is dropped, and so are empty parts.",
     .examples = "assay eval tiny@1 --text sample.txt --separator '<|endoftext|>'",
     .run = cmd_eval,
     OPTIONS(OPT_TEXT, OPT_SEPARATOR, OPT_THREADS, OPT_UNPROVEN),
     NOTES({OPT_TEXT, .help = "the text to measure"})},
    {.name = "bench",
     .words = "REF|FILE",
     .least = 1,
     .most = 1,
     .summary = "measure a model's speed",
     .about = "Tokens a second, one by one as they are generated (decode) and together as a prompt "
              "is read (prefill),\n"
              "with the weights read meanwhile and the share of what this machine's memory gives "
              "for as many bytes,\n"
              "measured in the same run. Medians of the rounds; the ids are made up, sampling is "
              "left out.",
     .examples = "assay bench tiny@preview\nassay bench model.gguf --threads 2 --json",
     .run = cmd_bench,
     OPTIONS(OPT_THREADS, OPT_ROUNDS, OPT_TOKENS, OPT_UNPROVEN)},
    {.name = "inspect",
     .words = "FILE",
     .least = 1,
     .most = 1,
     .summary = "look into a model file",
     .about = "Its shape, what it would need to run, its tokenizer, metadata and tensors; with "
              "--tensor one\n"
              "tensor's values. No store is needed, and a sandboxed child does the reading. A bad "
              "file exits 7.",
     .examples = "assay inspect model.gguf\nassay inspect model.slm --json\n"
                 "assay inspect model.gguf --tensor blk.0.attn_q.weight",
     .run = cmd_inspect,
     OPTIONS(OPT_TENSOR)},
    {.name = "tokenize",
     .words = "FILE",
     .least = 1,
     .most = 1,
     .summary = "turn text into token ids",
     .about = "With the vocabulary of the model FILE; the text comes from --prompt, --text or "
              "standard input.\n"
              "With --decode that is ids, decimal, with white space or commas between them.",
     .examples = "assay tokenize model.slm --prompt 'the cat'\nassay tokenize model.gguf --text "
                 "a.txt --json\necho 256 97 98 | assay tokenize model.slm --decode",
     .run = cmd_tokenize,
     OPTIONS(OPT_PROMPT, OPT_TEXT, OPT_NO_BOS, OPT_DECODE)},
    {.name = "pack",
     .words = "FOLDER|FILE.gguf -o FILE",
     .least = 1,
     .most = 1,
     .summary = "make an SLM1 file from raw tensors or GGUF",
     .about =
         "FOLDER holds one little-endian f32 file a tensor (layers.0.wq.weight.f32), perhaps "
         "a BPE1 section\n"
         "as tokenizer.bin (else bytes are the tokens), and shape.json: vocab_size, "
         "hidden_size, layer_count,\n"
         "head_count, kv_head_count, head_dim, ffn_size, max_context; rope_theta and "
         "rms_norm_epsilon as text;\n"
         "tied. All tensors, norms too, are of the type asked for. Of a GGUF file the norms stay "
         "f32, and its\n"
         "llama vocabulary becomes BPE1.",
     .examples = "assay pack tensors -o model.slm\nassay pack tensors -o model.slm --dtype q8_0\n"
                 "assay pack model.gguf -o model.slm --dtype q4_0",
     .run = cmd_pack,
     OPTIONS(OPT_OUTPUT, OPT_SHAPE, OPT_DTYPE, OPT_FORCE),
     NOTES({OPT_OUTPUT, .help = "the SLM1 file", .arg = "FILE"})},
};

const struct command_table table_model = {"models, with the bundled runtime", rows,
                                          sizeof rows / sizeof *rows};
