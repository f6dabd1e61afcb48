"""Writes a language model of a few megabytes that llama.cpp loads: `make_model.py OUT.gguf sentence|noise`.

`sentence`: embeddings are one-hot and nothing mixes them, so the next token depends on the last one alone: the model
says one sentence and stops, and under a grammar takes the shortest way out. `noise`: random weights, which never stop.
Needs the packages gguf and numpy.
"""

import sys
from itertools import pairwise

import gguf
import numpy as np

path, kind = sys.argv[1:]
WORDS = ["Hello", "\u2581from", "\u2581a", "\u2581tiny", "\u2581model", "."]
NORMAL, CONTROL, UNKNOWN, BYTE = (gguf.TokenType.NORMAL, gguf.TokenType.CONTROL, gguf.TokenType.UNKNOWN, gguf.TokenType.BYTE)

tokens, scores, types = [], [], []


def add(text, score=0.0, type_=NORMAL):
    tokens.append(text)
    scores.append(float(score))
    types.append(int(type_))
    return len(tokens) - 1


unknown, begin, _ = add("<unk>", 0, UNKNOWN), add("<s>", 0, CONTROL), add("</s>", 0, CONTROL)
bytes_ = [add(f"<0x{number:02X}>", 0, BYTE) for number in range(256)]
add("<|im_start|>", 0, CONTROL)
end = add("<|im_end|>", 0, CONTROL)
letters = {letter: add(letter, -1000) for letter in "\u2581" + "".join(map(chr, range(33, 127)))}
words = [letters.get(word) or add(word, -1 - len(word) / 100) for word in WORDS]

opens, closes = add('<tool_call>\n{"name": "', -1e6), add("</tool_call>", -1e6)

size = len(tokens)
width = (size + 31) // 32 * 32 if kind == "sentence" else 64
writer = gguf.GGUFWriter(path, "llama")
writer.add_name(f"tiny-{kind}")
writer.add_context_length(65536)
writer.add_embedding_length(width)
writer.add_block_count(1)
writer.add_feed_forward_length(64)
writer.add_head_count(width // 32)
writer.add_head_count_kv(width // 32)
writer.add_layer_norm_rms_eps(1e-5)
writer.add_rope_dimension_count(32)
writer.add_vocab_size(size)
writer.add_file_type(0)
writer.add_tokenizer_model("llama")
writer.add_token_list(tokens)
writer.add_token_scores(scores)
writer.add_token_types(types)
writer.add_bos_token_id(begin)
writer.add_eos_token_id(end)
writer.add_unk_token_id(unknown)
writer.add_add_bos_token(True)
writer.add_add_space_prefix(False)
writer.add_chat_template("""{%- if tools %}<|im_start|>system
Call one of these tools:
{%- for tool in tools %}
{{ tool | tojson }}
{%- endfor %}
as <tool_call>
{"name": NAME, "arguments": ARGUMENTS}
</tool_call><|im_end|>
{% endif %}
{%- for m in messages %}
{%- if m.role == "assistant" and m.tool_calls %}<|im_start|>assistant
{%- for call in m.tool_calls %}<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{% endfor %}<|im_end|>
{% else %}<|im_start|>{{ m.role }}
{{ m.content }}<|im_end|>
{% endif %}
{%- endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif %}""")

dice = np.random.default_rng(7)
if kind == "sentence":
    embedding = np.zeros((size, width), np.float32)
    embedding[np.arange(size), np.arange(size)] = 1
    after = dice.normal(0, 0.01, (size, size)).astype(np.float32)  # after[next, last]
    after[end, :] += 0.3
    for bonus, letter in ((0.9, '"'), (0.7, "}"), (0.5, ","), (0.4, "4")):  # under a grammar: get done
        after[letters[letter], :] += bonus
    chain = [bytes_[10], *words, end]
    for last, following in pairwise(chain):
        after[following, last] += 1.0
    after[end, bytes_[10]] -= 0.3
    after[opens, words[-1]] = 1.2  # where a grammar forbids to stop without a call
    after[closes, bytes_[10]] = 0.95
    after[end, closes] += 1.0
    output = np.zeros((size, width), np.float32)
    output[:, :size] = after * 2

    def weights(*shape):
        return np.zeros(shape, np.float32)
else:
    def weights(*shape):
        return dice.normal(0, 0.3, shape).astype(np.float32)

    embedding, output = weights(size, width), weights(size, width)
    embedding[:, 0] = 30  # seen by every token, and what keeps the ends away
    output[:, 0] = 0
    output[: bytes_[0], 0] = output[end - 1 : end + 1, 0] = -100

ones = np.ones(width, np.float32)
writer.add_tensor("token_embd.weight", embedding)
writer.add_tensor("output_norm.weight", ones)
writer.add_tensor("output.weight", output)
writer.add_tensor("blk.0.attn_norm.weight", ones)
for part in "qkv":
    writer.add_tensor(f"blk.0.attn_{part}.weight", weights(width, width))
mixed, fed = weights(width, width), weights(width, 64)
mixed[0] = fed[0] = 0
writer.add_tensor("blk.0.attn_output.weight", mixed)
writer.add_tensor("blk.0.ffn_norm.weight", ones)
writer.add_tensor("blk.0.ffn_gate.weight", weights(64, width))
writer.add_tensor("blk.0.ffn_up.weight", weights(64, width))
writer.add_tensor("blk.0.ffn_down.weight", fed)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
