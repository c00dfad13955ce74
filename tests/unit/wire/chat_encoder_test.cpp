// The encoding of requests as the bytes that are sent.
#include "wire/chat_encoder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <string>

namespace holysheep::wire {
namespace {

using testing::HasSubstr;

ChatRequest a_question() { return {.model = "m", .messages = {user("Why wool?")}}; }

std::string body_of(const ChatRequest& request, bool stream = false, std::string_view extra = {}) {
    const auto chat = encode_chat(request, stream, extra);
    EXPECT_TRUE(chat.has_value()) << (chat ? "" : chat.error().message);
    if (!chat) return {};
    const std::string body(body_for_model(*chat, request.model).view());
    EXPECT_TRUE(nlohmann::json::accept(body)) << body;
    return body;
}

std::string message_json(Message message) {
    const std::string body = body_of({.model = "m", .messages = {std::move(message)}});
    const std::string_view before = R"({"model":"m","messages":[)", after = "]}";
    EXPECT_EQ(body.substr(0, before.size()), before);
    return body.substr(before.size(), body.size() - before.size() - after.size());
}

std::string refusal_of(const ChatRequest& request, std::string_view extra = {}) {
    const auto chat = encode_chat(request, false, extra);
    if (chat) return "accepted";
    EXPECT_EQ(chat.error().code, ErrorCode::invalid_request);
    return chat.error().message;
}

TEST(ChatEncoder, SendsOnlySetMembers) {
    EXPECT_EQ(body_of(a_question()), R"({"model":"m","messages":[{"role":"user","content":"Why wool?"}]})");
}

TEST(ChatEncoder, SendsEveryTypedMember) {
    ChatRequest request = a_question();
    request.temperature = 0.1;
    request.top_p = 1;
    request.max_completion_tokens = 5;
    request.max_tokens = 6;
    request.n = 2;
    request.stop = {"a", "b"};
    request.seed = std::numeric_limits<std::int64_t>::min();
    request.frequency_penalty = -2;
    request.presence_penalty = 0.5;
    request.logit_bias = {{"17", -100}};
    request.logprobs = true;
    request.top_logprobs = 3;
    request.tool_choice = ToolChoice{.mode = ToolChoice::Mode::named, .name = "f"};
    request.parallel_tool_calls = false;
    request.reasoning_effort = "low";
    request.verbosity = "high";
    request.service_tier = "flex";
    request.user = "u";
    request.safety_identifier = "s";
    request.prompt_cache_key = "p";
    request.metadata = {{"k", "v"}};
    request.store = false;
    request.include_usage = true;
    request.include_obfuscation = false;
    request.modalities = {"text", "audio"};
    request.prediction = "class Sheep {};";
    EXPECT_EQ(
        body_of(request, true),
        R"({"model":"m","messages":[{"role":"user","content":"Why wool?"}],"temperature":0.1,"top_p":1,)"
        R"("max_completion_tokens":5,"max_tokens":6,"n":2,"seed":-9223372036854775808,"frequency_penalty":-2,)"
        R"("presence_penalty":0.5,"logprobs":true,"top_logprobs":3,"stop":["a","b"],"logit_bias":{"17":-100},)"
        R"("metadata":{"k":"v"},"tool_choice":{"type":"function","function":{"name":"f"}},)"
        R"("parallel_tool_calls":false,"reasoning_effort":"low","verbosity":"high","service_tier":"flex",)"
        R"("user":"u","safety_identifier":"s","prompt_cache_key":"p","store":false,"modalities":["text","audio"],)"
        R"("prediction":{"type":"content","content":"class Sheep {};"},"stream":true,)"
        R"("stream_options":{"include_usage":true,"include_obfuscation":false}})");
}

TEST(ChatEncoder, OneStopTextIsAString) {
    ChatRequest request = a_question();
    request.stop = {"END"};
    EXPECT_THAT(body_of(request), HasSubstr(R"("stop":"END")"));
}

TEST(ChatEncoder, RequestsUsageOnlyInStreams) {
    ChatRequest request = a_question();
    EXPECT_THAT(body_of(request, true), testing::Not(HasSubstr("stream_options")));
    request.include_usage = true;
    request.include_obfuscation = false;
    EXPECT_THAT(body_of(request, false), testing::Not(HasSubstr("stream")));
    request.include_usage.reset();
    EXPECT_THAT(body_of(request, true), HasSubstr(R"("stream_options":{"include_obfuscation":false})"));
}

TEST(ChatEncoder, LeavesTheModelForEachRegionToFillIn) {
    const auto chat = encode_chat(a_question(), false, {});
    ASSERT_TRUE(chat);
    EXPECT_THAT(body_for_model(*chat, "vendor/\"m\""), HasSubstr(R"({"model":"vendor/\"m\"","messages")"));
    EXPECT_THAT(body_for_model(*chat, "other"), HasSubstr(R"({"model":"other",)"));
}

TEST(ChatEncoder, EncodesToolChoicesAndFormats) {
    ChatRequest request = a_question();
    for (const auto& [mode, text] :
         {std::pair{ToolChoice::Mode::automatic, "\"auto\""}, std::pair{ToolChoice::Mode::none, "\"none\""},
          std::pair{ToolChoice::Mode::required, "\"required\""}}) {
        request.tool_choice = ToolChoice{.mode = mode};
        EXPECT_THAT(body_of(request), HasSubstr(std::string("\"tool_choice\":") + text));
    }
    request.response_format = ResponseFormat{.kind = ResponseFormat::Kind::text};
    EXPECT_THAT(body_of(request), HasSubstr(R"("response_format":{"type":"text"})"));
    request.response_format = ResponseFormat{.kind = ResponseFormat::Kind::json_object};
    EXPECT_THAT(body_of(request), HasSubstr(R"("response_format":{"type":"json_object"})"));
    request.response_format = ResponseFormat{.kind = ResponseFormat::Kind::json_schema,
                                             .name = "sheep",
                                             .schema_json = R"({"type":"object"})",
                                             .strict = true,
                                             .description = "one of them"};
    EXPECT_THAT(body_of(request),
                HasSubstr(R"({"type":"json_schema","json_schema":{"name":"sheep","description":"one of them",)"
                          R"("schema":{"type":"object"},"strict":true}})"));
}

TEST(ChatEncoder, ANamedToolChoiceHasItsType) {
    ChatRequest request = a_question();
    request.tools = {{.name = "f"}, {.name = "g", .kind = Tool::Kind::custom}};
    request.tool_choice = ToolChoice{.mode = ToolChoice::Mode::named, .name = "g"};
    EXPECT_THAT(body_of(request), HasSubstr(R"("tool_choice":{"type":"custom","custom":{"name":"g"}})"));
    request.tool_choice->name = "elsewhere";
    EXPECT_THAT(body_of(request), HasSubstr(R"("tool_choice":{"type":"function","function":{"name":"elsewhere"}})"));
}

TEST(ChatEncoder, AllowedToolsAreAutomaticOrRequired) {
    ChatRequest request = a_question();
    request.tools = {{.name = "f"}, {.name = "g", .kind = Tool::Kind::custom}, {.name = "h"}};
    request.tool_choice = ToolChoice{.allowed = {"f", "g"}};
    EXPECT_THAT(body_of(request),
                HasSubstr(R"("tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[)"
                          R"({"type":"function","function":{"name":"f"}},{"type":"custom","custom":{"name":"g"}}]}})"));
    request.tool_choice = ToolChoice{.mode = ToolChoice::Mode::required, .allowed = {"h"}};
    EXPECT_THAT(body_of(request), HasSubstr(R"({"mode":"required","tools":[{"type":"function",)"));
}

TEST(MessageEncoder, EncodesEveryRole) {
    EXPECT_EQ(message_json(holysheep::system_prompt("s")), R"({"role":"system","content":"s"})");
    EXPECT_EQ(message_json({.role = Role::developer, .content = "d"}), R"({"role":"developer","content":"d"})");
    EXPECT_EQ(message_json({.role = Role::user, .content = "u", .name = "Bo"}),
              R"({"role":"user","content":"u","name":"Bo"})");
    EXPECT_EQ(message_json(tool_result("call_1", "42")), R"({"role":"tool","content":"42","tool_call_id":"call_1"})");
    EXPECT_EQ(message_json(assistant("")), R"({"role":"assistant","content":""})");
}

TEST(MessageEncoder, ToolCallsWithoutTextHaveNullContent) {
    Message message{.role = Role::assistant};
    message.tool_calls = {{.id = "a", .name = "f", .arguments = "{\"x\":1}", .raw_json = "ignored"}};
    EXPECT_EQ(message_json(message), R"({"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function",)"
                                     R"("function":{"name":"f","arguments":"{\"x\":1}"}}]})");
    message.content = "Let me look";
    EXPECT_THAT(message_json(message), HasSubstr(R"("content":"Let me look","tool_calls")"));
}

TEST(MessageEncoder, AToolCallOfAnotherTypeIsSentUnchanged) {
    Message message{.role = Role::assistant};
    message.tool_calls = {{.id = "a", .type = "custom", .name = "g", .arguments = "x", .raw_json = {}}};
    EXPECT_THAT(message_json(message), HasSubstr(R"({"id":"a","type":"custom","custom":{"name":"g","input":"x"}})"));
    message.tool_calls[0].raw_json = R"({"id":"a","type":"custom","custom":{"name":"g","input":"y"},"z":1})";
    EXPECT_THAT(message_json(message), HasSubstr(message.tool_calls[0].raw_json));
}

TEST(MessageEncoder, AThoughtSignatureIsSentWithItsCall) {
    Message message{.role = Role::assistant};
    message.tool_calls = {
        {.id = "a", .name = "f", .raw_json = R"({"id":"zz","extra_content":{"google":{"s":1}},"index":3})"}};
    EXPECT_THAT(message_json(message),
                HasSubstr(R"({"id":"a","type":"function","function":{"name":"f","arguments":""},)"
                          R"("extra_content":{"google":{"s":1}}})"));
}

/// The same message under each replay rule: marked, all, none.
std::vector<std::string> replays_of(const Message& message) {
    std::vector<std::string> bodies;
    for (const auto replay : {ReasoningReplay::marked, ReasoningReplay::all, ReasoningReplay::none}) {
        ChatRequest request{.model = "m", .messages = {message}, .reasoning_replay = replay};
        const std::string body = body_of(request);
        const std::string_view before = R"({"model":"m","messages":[)";
        bodies.push_back(body.substr(before.size(), body.size() - before.size() - 2));
    }
    return bodies;
}

TEST(ReasoningReplay, SendsTextUnderTheNameItCameWith) {
    Message message{.role = Role::assistant, .content = "a", .reasoning = "hm"};
    const std::string without = R"({"role":"assistant","content":"a"})";
    EXPECT_THAT(
        replays_of(message),
        testing::ElementsAre(without, R"({"role":"assistant","content":"a","reasoning_content":"hm"})", without));
    message.reasoning_name = "reasoning";
    EXPECT_THAT(replays_of(message)[1], HasSubstr(R"("reasoning":"hm")"));
    message.reasoning_name = "thinking";
    EXPECT_EQ(replays_of(message)[1],
              R"({"role":"assistant","content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},)"
              R"({"type":"text","text":"a"}]})");
    message.reasoning_name = "reasoning_text";
    EXPECT_THAT(replays_of(message)[1], HasSubstr(R"("reasoning_text":"hm")"));
    message.reasoning_name = "message.thinking";
    EXPECT_THAT(replays_of(message)[1], HasSubstr(R"("thinking":"hm")"));
    for (const char* name : {"reasoning_details", "thinking_blocks"}) {
        message.reasoning_name = name;
        EXPECT_EQ(replays_of(message)[1], without);
    }
}

TEST(ReasoningReplay, NoneSendsNoReasoning) {
    Message message{.role = Role::assistant, .content = "a"};
    message.extra_json =
        R"({"reasoning_text":"r","reasoning_opaque":"o","thinking_blocks":[{"thinking":"t"}],"reasoning_details":[{}],"odd":1})";
    const auto bodies = replays_of(message);
    EXPECT_THAT(bodies[0], HasSubstr(R"("reasoning_opaque":"o")"));
    EXPECT_THAT(bodies[0], HasSubstr(R"("thinking_blocks":[{"thinking":"t"}])"));
    EXPECT_EQ(bodies[2], R"({"role":"assistant","content":"a","odd":1})");
}

TEST(ReasoningReplay, MarkedMembersAreSentByDefaultAndCanBeDisabled) {
    Message message{.role = Role::assistant, .content = "a"};
    message.extra_json = R"({"reasoning_details":[{"text":"hm"}],"channel":"final"})";
    message.tool_calls = {{.id = "1", .name = "f", .raw_json = R"({"extra_content":{"s":1}})"}};
    const auto bodies = replays_of(message);
    for (const std::size_t sent : {0U, 1U}) {
        EXPECT_THAT(bodies[sent], HasSubstr("reasoning_details")) << sent;
        EXPECT_THAT(bodies[sent], HasSubstr("extra_content")) << sent;
    }
    EXPECT_EQ(bodies[2], R"({"role":"assistant","content":"a","tool_calls":[{"id":"1","type":"function",)"
                         R"("function":{"name":"f","arguments":""}}],"channel":"final"})");
}

TEST(ReasoningReplay, ASignatureInTheFunctionStaysInTheFunction) {
    Message message{.role = Role::assistant};
    message.tool_calls = {
        {.id = "1", .name = "f", .raw_json = R"({"id":"1","function":{"name":"f","thought_signature":"s","x":1}})"}};
    const auto bodies = replays_of(message);
    EXPECT_THAT(bodies[0], HasSubstr(R"("function":{"name":"f","arguments":"","thought_signature":"s"}})"));
    EXPECT_THAT(bodies[2], testing::Not(HasSubstr("thought_signature")));
}

TEST(MessageEncoder, SendsRefusalsButNoReasoning) {
    EXPECT_EQ(message_json({.role = Role::assistant, .content = "a", .reasoning = "secret"}),
              R"({"role":"assistant","content":"a"})");
    EXPECT_EQ(message_json({.role = Role::assistant, .refusal = "no"}),
              R"({"role":"assistant","content":null,"refusal":"no"})");
}

TEST(MessageEncoder, EncodesEveryKindOfPart) {
    Message message{.role = Role::user};
    message.parts = {TextPart{"t"},
                     ImagePart{"https://x/y.png", ""},
                     ImagePart{"data:,", "low"},
                     AudioPart{"QQ", "wav"},
                     FilePart{"a.pdf", "data:,", ""},
                     FilePart{"", "", "file-1"},
                     RawPart{R"({"type":"video_url"})"},
                     RefusalPart{"no"}};
    EXPECT_EQ(message_json(message), R"({"role":"user","content":[{"type":"text","text":"t"},)"
                                     R"({"type":"image_url","image_url":{"url":"https://x/y.png"}},)"
                                     R"({"type":"image_url","image_url":{"url":"data:,","detail":"low"}},)"
                                     R"({"type":"input_audio","input_audio":{"data":"QQ","format":"wav"}},)"
                                     R"({"type":"file","file":{"filename":"a.pdf","file_data":"data:,"}},)"
                                     R"({"type":"file","file":{"file_id":"file-1"}},{"type":"video_url"},)"
                                     R"({"type":"refusal","refusal":"no"}]})");
}

TEST(ExtraJson, OfAPartOverridesItsMembers) {
    const std::string extra = R"({"cache_control":{"type":"ephemeral"}})";
    Message message{.role = Role::user};
    message.parts = {TextPart{"t", extra},          ImagePart{"u", "low", extra},
                     AudioPart{"QQ", "wav", extra}, FilePart{"", "", "f", extra},
                     RefusalPart{"no", extra},      TextPart{"t", R"({"type":"input_text","text":"own"})"}};
    const std::string cached = R"("cache_control":{"type":"ephemeral"}})";
    EXPECT_EQ(message_json(message), R"({"role":"user","content":[{"type":"text","text":"t",)" + cached +
                                         R"(,{"type":"image_url","image_url":{"url":"u","detail":"low"},)" + cached +
                                         R"(,{"type":"input_audio","input_audio":{"data":"QQ","format":"wav"},)" +
                                         cached + R"(,{"type":"file","file":{"file_id":"f"},)" + cached +
                                         R"(,{"type":"refusal","refusal":"no",)" + cached +
                                         R"(,{"type":"input_text","text":"own"}]})");
}

TEST(ToolEncoder, WritesFunctionsAndPassesOtherTypesThrough) {
    ChatRequest request = a_question();
    request.tools = {
        {.name = "f", .description = "d", .parameters_json = R"({"type":"object"})", .strict = true},
        {.name = "g", .extra_json = R"({"cache_control":{"type":"ephemeral"}})"},
        {.extra_json = R"({"type":"custom","custom":{"name":"h"}})"},
        {.name = "i", .description = "d", .kind = Tool::Kind::custom, .format_json = R"({"type":"text"})"}};
    EXPECT_THAT(
        body_of(request),
        HasSubstr(R"("tools":[{"type":"function","function":{"name":"f","description":"d",)"
                  R"("parameters":{"type":"object"},"strict":true}},{"type":"function","function":{"name":"g"},)"
                  R"("cache_control":{"type":"ephemeral"}},{"type":"custom","custom":{"name":"h"}},)"
                  R"({"type":"custom","custom":{"name":"i","description":"d","format":{"type":"text"}}}])"));
}

TEST(ExtraJson, OfTheCallOverridesTheRequestsWhichOverridesTypedMembers) {
    ChatRequest request = a_question();
    request.temperature = 0.5;
    request.top_p = 0.5;
    request.extra_json = R"({"temperature":1.50,"top_k":40,"x":{"a":1}})";
    EXPECT_EQ(body_of(request, false, R"({"top_k":null,"x":{"b":2}})"),
              R"({"model":"m","messages":[{"role":"user","content":"Why wool?"}],"top_p":0.5,)"
              R"("temperature":1.50,"top_k":null,"x":{"b":2}})");
}

TEST(ExtraJson, OfAMessageOverridesItsMembers) {
    Message message = user("u");
    message.extra_json = R"({"content":[],"cache":1})";
    EXPECT_EQ(message_json(message), R"({"role":"user","content":[],"cache":1})");
}

// Members of answers are sent back with their message; a hostile gateway may send any number of them.
TEST(ExtraJson, ManyMembersAreMergedByTheSameRule) {
    std::string extra = "{\"content\":\"own\"";
    for (int i = 0; i < 200'000; ++i) extra += ",\"x" + std::to_string(i % 150'000) + "\":" + std::to_string(i);
    Message message = user("u");
    message.extra_json = extra + "}";
    const std::string json = message_json(message);
    EXPECT_THAT(json, testing::StartsWith(R"({"role":"user","content":"own","x0":150000,"x1":150001,)"));
    EXPECT_THAT(json, testing::EndsWith(R"("x149999":149999})"));
}

TEST(ExtraJson, MaySetTheModelAndTheMessages) {
    const auto chat = encode_chat({}, false, R"({"model":"own","messages":[]})");
    ASSERT_TRUE(chat);
    EXPECT_EQ(*model_in_extra({}, R"({"model":"own","messages":[]})"), "own");
    EXPECT_EQ(body_for_model(*chat, "fallback"), R"({"model":"fallback","messages":[]})");
}

TEST(ExtraJson, TheCallsModelOverridesTheRequests) {
    ChatRequest request = a_question();
    EXPECT_EQ(*model_in_extra(request, {}), "");
    request.extra_json = R"({"mod\u0065l":"request's"})";
    EXPECT_EQ(*model_in_extra(request, R"({"top_k":1})"), "request's");
    EXPECT_EQ(*model_in_extra(request, R"({"model":"call's"})"), "call's");
}

TEST(ExtraJson, AModelThatIsNotAStringIsRefused) {
    for (const auto* extra : {R"({"model":7})", R"({"model":""})", R"({"model":["a"]})", R"({"model":"a\nb"})", "7"}) {
        EXPECT_FALSE(model_in_extra(a_question(), extra)) << extra;
    }
}

TEST(ExtraJson, NamesAreComparedUnescaped) {
    ChatRequest request = a_question();
    request.temperature = 1;
    EXPECT_THAT(body_of(request, false, R"({"tempe\u0072ature":2})"), HasSubstr(R"(],"temperature":2})"));
}

TEST(ExtraJson, CannotTurnAPlainCallIntoAStream) {
    EXPECT_THAT(refusal_of(a_question(), R"({"stream":true})"), HasSubstr("'stream'"));
    EXPECT_EQ(refusal_of(a_question(), R"({"stream":false})"), "accepted");
}

TEST(Refusals, NameTheProblemAndItsPlace) {
    ChatRequest request = a_question();
    const auto with = [&](auto change) {
        ChatRequest changed = a_question();
        change(changed);
        return refusal_of(changed);
    };
    EXPECT_THAT(with([](auto& r) { r.model.clear(); }), HasSubstr("no model"));
    EXPECT_THAT(with([](auto& r) { r.model = "a\nb"; }), HasSubstr("control characters"));
    EXPECT_THAT(with([](auto& r) { r.model = std::string("a\0", 2); }), HasSubstr("control characters"));
    EXPECT_THAT(with([](auto& r) { r.messages.clear(); }), HasSubstr("no messages"));
    EXPECT_THAT(with([](auto& r) { r.temperature = std::numeric_limits<double>::quiet_NaN(); }),
                HasSubstr("temperature"));
    for (const char* text : {"{", "[]", "1", "{} x", "{'a':1}", "{\"a\":\"\xFF\"}"}) {
        EXPECT_THAT(with([&](auto& r) { r.extra_json = text; }), HasSubstr("request's extra_json")) << text;
        EXPECT_THAT(refusal_of(request, text), HasSubstr("call's extra_json")) << text;
        EXPECT_THAT(with([&](auto& r) { r.messages[0].extra_json = text; }), HasSubstr("messages[0]: extra_json"))
            << text;
        EXPECT_THAT(with([&](auto& r) { r.messages[0].parts = {RawPart{text}}; }), HasSubstr("RawPart")) << text;
        EXPECT_THAT(with([&](auto& r) { r.tools = {{.name = "f", .parameters_json = text}}; }),
                    HasSubstr("tool 'f': parameters_json"))
            << text;
        EXPECT_THAT(with([&](auto& r) { r.tools = {{.name = "f", .extra_json = text}}; }), HasSubstr("tool 'f'"))
            << text;
        EXPECT_THAT(with([&](auto& r) { r.tools = {{.name = "f", .kind = Tool::Kind::custom, .format_json = text}}; }),
                    HasSubstr("tool 'f': format_json"))
            << text;
        EXPECT_THAT(with([&](auto& r) {
                        r.messages[0].parts = {TextPart{"t", text}};
                    }),
                    HasSubstr("extra_json"))
            << text;
        EXPECT_THAT(with([&](auto& r) {
                        r.response_format =
                            ResponseFormat{.kind = ResponseFormat::Kind::json_schema, .name = "n", .schema_json = text};
                    }),
                    HasSubstr("schema_json"))
            << text;
    }
    EXPECT_THAT(with([](auto& r) { r.messages[0].parts = {RawPart{}}; }), HasSubstr("RawPart"));
    EXPECT_THAT(with([](auto& r) { r.tool_choice = ToolChoice{.mode = ToolChoice::Mode::named}; }),
                HasSubstr("'named' needs the name"));
    const std::string deep = "{\"a\":" + std::string(100000, '[') + std::string(100000, ']') + "}";
    EXPECT_THAT(refusal_of(request, deep), HasSubstr("extra_json"));
}

TEST(ChatEncoder, ReplacesIllFormedUtf8) {
    EXPECT_EQ(message_json(user("a\xFFz\xE2\x82")), "{\"role\":\"user\",\"content\":\"a\uFFFDz\uFFFD\"}");
}

}  // namespace
}  // namespace holysheep::wire
