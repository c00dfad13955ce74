// Answers and chunks as gateways send them: the usual shapes, which the in-place scanner must accept, and others.
#pragma once

#include <string_view>
#include <vector>

namespace holysheep::wire {

inline const std::vector<std::string_view> kUsualChunks = {
    R"({"id":"chatcmpl-9x","object":"chat.completion.chunk","created":1717171717,"model":"sheep-1","choices":[{"index":0,"delta":{"content":"Merino"},"finish_reason":null}]})",
    R"({"id":"chatcmpl-9x","object":"chat.completion.chunk","created":1717171717,"model":"sheep-1","service_tier":"default","system_fingerprint":"fp_1","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"x7Yq"})",
    R"({"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"a\n\"b\"\\ \/ \u00e4\ud83d\udc11\t"},"logprobs":null,"finish_reason":null}]})",
    R"({"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})",
    R"({"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18,"prompt_tokens_details":{"cached_tokens":4,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":2,"audio_tokens":0,"accepted_prediction_tokens":0}}})",
    R"({"id":"gen-1","provider":"Upstream","model":"vendor/m","object":"chat.completion.chunk","created":1,"choices":[{"index":0,"delta":{"role":"assistant","content":" wool"},"finish_reason":null,"native_finish_reason":null,"logprobs":null}]})",
    R"({"id":"gen-1","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop","native_finish_reason":"STOP"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"cost":0.00014,"is_byok":false}})",
    R"({"choices":[{"index":0,"delta":{"reasoning_content":"Hmm","content":null}}]})",
    R"({"choices":[{"index":0,"delta":{"reasoning":"Hmm","reasoning_content":""}},{"index":1,"delta":{"content":"zwei für 羊"}}]})",
    R"({"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"shear","arguments":""}}]},"finish_reason":null}]})",
    R"({"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"she"}},{"index":1,"function":{"name":null,"arguments":"ep\":1}"}}]},"finish_reason":null}]})",
    R"( { "id" : "c" , "choices" : [ { "delta" : { "content" : "spaced" } , "index" : 2 , "seed" : 42 , "ok" : true } ] } )",
    R"({"id":"","object":"","model":"","created":0,"choices":[{"index":0,"delta":{"content":"\b\f\r\u0000"},"finish_reason":""}]})",
    R"({"error":null,"choices":[{"index":0,"delta":{"content":"a","tool_calls":null},"error":null}]})",
};

inline const std::vector<std::string_view> kUnusualChunks = {
    R"({"id":"","object":"","created":0,"model":"","prompt_filter_results":[{"prompt_index":0}],"choices":[]})",
    R"({"id":"c","choices":null})",
    R"({"id":"c","choices":[{"index":0,"delta":{"content":"\ud83d"}}]})",
    R"({"id":"c","choices":[{"index":0,"delta":{"content":"a"},"delta":{"content":"b"}}]})",
    R"({"id":"c","created":1.5,"choices":[{"index":0,"delta":{"content":"a"}}]})",
    R"({"id":"c","created":-0,"choices":[]})",
    R"({"id":"c","created":01,"choices":[]})",
    R"({"id":"c","choices":[{"index":0,"delta":{"content":[{"type":"text","text":"a"}]}}]})",
    R"({"id":"c","choices":[{"index":0,"delta":null}]})",
    R"({"id":"c","choices":[{"index":0,"delta":{"content":"a"},"logprobs":{"content":[]}}]})",
    R"({"id":"c","choices":[{"index":0,"delta":{"content":"a"}}],"error":{"message":"no"}})",
    R"({"id":"c","choices":[{"index":0,"delta":{"content":"a"}}],"x":1,"x":2})",
    R"({"id":"c","choices":[{"index":0,"delta":{"content":"a"}}],"x":1.0})",
    R"({"id":"c","choices":[{"index":0,"delta":{"content":"a"}}],"x":"\u0041"})",
    R"({"id":"c","choices":[{"index":0,"delta":{"content":"a"},"message":{"content":"aa"}}]})",
    R"({"id":"c","choices":[{"index":0,"message":{"content":"whole"},"finish_reason":"stop"}],"object":"chat.completion"})",
    R"({"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop","usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}]})",
    R"({"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"1","type":"function","function":{"name":"f","arguments":{"a":1}}}]}}]})",
    R"({"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"1","type":"custom","custom":{"name":"f","input":"x"}}]}}]})",
    R"({"id":"c","choices":[{"index":0,"delta":{"content":"a"}}]}x)",
    R"({"id":"c","choices":[{"index":0,"delta":{"content":"a"}}])",
    R"({"type":"ping"})",
    R"([])",
    R"("text")",
    "",
    "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\xFF\"}}]}",
    "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\x01\"}}]}",
};

inline const std::vector<std::string_view> kUsualAnswers = {
    R"({"id":"chatcmpl-BWq5","object":"chat.completion","created":1717171717,"model":"gpt-4.1-2025-04-14","choices":[{"index":0,"message":{"role":"assistant","content":"The Merino sheep gives the finest wool.","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},"service_tier":"default","system_fingerprint":"fp_51e1070cf2"})",
    "\n\n\n"
    R"({"id":"d","object":"chat.completion","created":1,"model":"deepseek-chat","choices":[{"index":0,"message":{"role":"assistant","content":"line\nline","reasoning_content":"why"},"finish_reason":"length"}],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12,"prompt_cache_hit_tokens":8,"prompt_cache_miss_tokens":1}})",
    R"({"id":"t","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"shear","arguments":"{\"sheep\":1}"}},{"id":"call_2","function":{"name":"shear","arguments":"{\"sheep\":2}"},"index":0}]},"finish_reason":"tool_calls"}]})",
    R"({"choices":[{"message":{"content":"b"},"index":1,"finish_reason":"stop"},{"message":{"content":"a"},"index":0,"finish_reason":"eos"}],"provider":"Upstream"})",
    R"({"choices":[{"index":0,"finish_reason":"length"}],"usage":{"total_tokens":5}})",
};

inline const std::vector<std::string_view> kUnusualAnswers = {
    "",
    "   ",
    "<!DOCTYPE html><html><head><title>Sign in</title></head></html>",
    "{\"choices\":[{\"message\":{\"content\":\"cut",
    R"({"id":"x","choices":null})",
    R"({"id":"x","choices":[]})",
    R"({"id":"x"})",
    R"({"error":{"message":"overloaded","code":503}})",
    R"([{"error":{"message":"quota","code":429,"status":"RESOURCE_EXHAUSTED"}}])",
    R"({"choices":[{"message":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"a"},{"type":"text","text":"b"}]},"finish_reason":"stop"}]})",
    R"({"created":1.7e9,"choices":[{"index":"0","message":{"content":"a","annotations":[{"type":"url_citation"}]},"finish_reason":"stop","logprobs":{"content":[{"token":"a","logprob":-0.5}],"refusal":null}}],"citations":["u"]})",
    R"({"choices":[{"index":0,"message":{"content":null,"tool_calls":[{"id":"","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"s"}}}]},"finish_reason":"tool_calls"}]})",
    R"({"choices":[{"index":0,"delta":{"content":"as a chunk"},"finish_reason":"stop"}]})",
};

}  // namespace holysheep::wire
