// Reads the shapes of recorded gateways; each function below knows one place where a message may be.
#include "wire/error_fields.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include <nlohmann/json.hpp>

#include "values/ascii.hpp"
#include "wire/error_hints.hpp"
#include "wire/json_dom.hpp"
#include "wire/response_headers.hpp"

namespace holysheep::wire {
namespace {

using nlohmann::json;

void take(std::string& into, std::string value) {
    if (into.empty()) into = std::move(value);
}

void take_status(ErrorFields& fields, const json* value) {
    const auto status = integer_of(value);
    if (fields.status == 0 && status && *status >= 400 && *status <= 599) fields.status = static_cast<int>(*status);
}

bool is_number_text(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), values::is_digit);
}

bool is_text_list(const json& value) {
    return value.is_array() && !value.empty() &&
           std::all_of(value.begin(), value.end(), [](const json& item) { return item.is_string(); });
}

std::string any_text(const json& value) {
    if (value.is_string()) return std::string(text_of(&value));
    if (const auto inner = text_of(member(value, "message")); !inner.empty()) return std::string(inner);
    if (!is_text_list(value)) return print_json(value);
    std::string list;
    for (const json& item : value) list += (list.empty() ? "" : "; ") + std::string(text_of(&item));
    return list;
}

/// Reads members that mean the same at every level.
void read_flat(const json& object, ErrorFields& fields) {
    if (const json* message = member(object, "message")) take(fields.message, any_text(*message));
    for (const char* name : {"msg", "error_msg", "error_message", "error_description", "Message"})
        take(fields.message, std::string(text_of(member(object, name))));
    for (const char* name : {"type", "error_type"}) take(fields.type, std::string(text_of(member(object, name))));
    // AWS: "com.amazon.coral.service#ThrottlingException".
    const auto aws = text_of(member(object, "__type"));
    take(fields.type, std::string(aws.substr(aws.find('#') + 1)));
    for (const char* name : {"code", "error_code", "errcode", "Code"})
        take(fields.code, scalar_text_of(member(object, name)));
    take(fields.param, scalar_text_of(member(object, "param")));
    for (const char* name : {"request_id", "requestId", "RequestId"})
        take(fields.request_id, scalar_text_of(member(object, name)));
    for (const char* name : {"status_code", "http_status_code", "statusCode", "http_code", "code", "status"})
        take_status(fields, member(object, name));
    read_retry_hints(object, fields);
}

void read_error_member(const json& error, ErrorFields& fields);

/// FastAPI: a text, or a list of `{loc, msg, type}`, or any other value that a service puts there.
void read_detail(const json& detail, ErrorFields& fields) {
    if (detail.is_string() || is_text_list(detail)) return take(fields.message, any_text(detail));
    if (detail.is_object()) {
        if (const json* error = member(detail, "error")) read_error_member(*error, fields);
        return read_flat(detail, fields);
    }
    if (!detail.is_array()) return;
    std::string message;
    for (const json& item : detail) {
        if (message.size() > 1000) break;
        std::string place;
        if (const json* loc = member(item, "loc"); loc != nullptr && loc->is_array()) {
            for (const json& step : *loc) place += (place.empty() ? "" : ".") + scalar_text_of(&step);
        }
        const auto text = text_of(member(item, "msg"));
        if (text.empty() && place.empty()) continue;
        if (!message.empty()) message += "; ";
        message += place.empty() ? std::string(text) : place + ": " + std::string(text);
        take(fields.type, std::string(text_of(member(item, "type"))));
        take(fields.param, place);
    }
    take(fields.message, message);
}

/// Google APIs: `{"@type": ".../google.rpc.RetryInfo", "retryDelay": "34s"}` and `{"@type": ".../google.rpc.ErrorInfo",
/// "reason": "API_KEY_INVALID"}` among the details.
void read_google_details(const json& error, ErrorFields& fields) {
    const json* details = member(error, "details");
    if (details == nullptr || !details->is_array()) return;
    for (const json& detail : *details) {
        take(fields.inner_code, std::string(text_of(member(detail, "reason"))));
        const std::string_view delay = text_of(member(detail, "retryDelay"));
        if (delay.empty() || delay.back() != 's') continue;
        if (const auto wait = parse_duration(delay)) fields.retry_after = wait;
    }
}

/// A relay quotes its upstream's error: `error.metadata.raw` (OpenRouter, JSON as text) and `innererror` (Azure).
void read_upstream(const json& error, ErrorFields& fields) {
    fields.inner_code = scalar_text_of(member(error, "innererror", "code"));
    take(fields.inner_code, std::string(text_of(member(error, "metadata", "limit_source"))));
    const json* raw = member(error, "metadata", "raw");
    if (raw == nullptr) return;
    json tree;
    ErrorFields inner;
    if (raw->is_string() && parse_json(text_of(raw), tree) && tree.is_object() &&
        member(tree, "error", "metadata") == nullptr) {
        inner = read_error_fields(tree);
    } else if (raw->is_string()) {
        inner.message = text_of(raw);
    }
    if (!inner.message.empty() && inner.message != fields.message) {
        fields.message += (fields.message.empty() ? "" : ": ") + inner.message;
    }
    take(fields.inner_code, inner.code);
    take(fields.type, inner.type);
}

void read_error_member(const json& error, ErrorFields& fields) {
    if (error.is_string()) return take(fields.message, std::string(text_of(&error)));
    if (error.is_array()) return error.empty() ? void() : read_error_member(error.front(), fields);
    if (!error.is_object()) return;
    read_flat(error, fields);
    // Google: "status" is a word such as RESOURCE_EXHAUSTED.
    if (const auto status = text_of(member(error, "status")); !is_number_text(status))
        take(fields.type, std::string(status));
    read_upstream(error, fields);
    read_google_details(error, fields);
}

/// Some providers send an empty error with every answer: `{"code":0,"message":""}` is not an error.
bool is_error(const json* value) {
    if (value != nullptr && value->is_object())
        return std::any_of(value->begin(), value->end(), [](const json& inner) { return is_truthy(&inner); });
    return is_truthy(value);
}

const json* first_of(const json& object, std::initializer_list<const char*> names) {
    for (const char* name : names) {
        if (const json* value = member(object, name); is_truthy(value)) return value;
    }
    return nullptr;
}

const json* choice_error(const json& body) {
    const json* choices = member(body, "choices");
    if (choices == nullptr || !choices->is_array()) return nullptr;
    for (const json& choice : *choices) {
        const json* error = member(choice, "error");
        if (is_error(error)) return error;
    }
    return nullptr;
}

bool has_choices(const json& body) {
    const json* choices = member(body, "choices");
    return choices != nullptr && (choices->is_array() || (choices->is_object() && !choices->empty()));
}

}  // namespace

bool says_error(const json& body) {
    if (body.is_array()) return !body.empty() && body.front().is_object() && is_error(member(body.front(), "error"));
    if (is_error(member(body, "error")) || is_error(member(body, "x_groq", "error"))) return true;
    if (text_of(member(body, "object")) == "error" || choice_error(body) != nullptr) return true;
    if (has_choices(body)) return false;
    const auto says = [&](const char* name) { return !text_of(member(body, name)).empty(); };
    return says("message") || says("msg") || says("error_msg") || is_truthy(member(body, "detail")) ||
           is_truthy(member(body, "errors")) || text_of(member(body, "type")) == "error" ||
           integer_of(member(body, "base_resp", "status_code")).value_or(0) != 0;
}

ErrorFields read_error_fields(const json& body) {
    ErrorFields fields;
    if (body.is_array()) return body.empty() || body.front().is_array() ? fields : read_error_fields(body.front());
    if (body.is_string()) fields.message = text_of(&body);
    if (!body.is_object()) return fields;
    for (const json* error : {member(body, "error"), member(body, "x_groq", "error"), choice_error(body)}) {
        if (is_truthy(error)) read_error_member(*error, fields);
    }
    if (const json* errors = member(body, "errors")) read_error_member(*errors, fields);
    const bool wrapped = !fields.message.empty() && is_truthy(member(body, "error"));
    // Web frameworks put the status name in `error` and the message next to it.
    const json* beside = member(body, "error") != nullptr && member(body, "error")->is_string()
                             ? first_of(body, {"message", "error_description"})
                             : nullptr;
    if (wrapped && beside != nullptr) {
        const std::string text = any_text(*beside);
        if (text != fields.message) fields.message += ": " + text;
    }
    // Anthropic's envelope is {"type":"error","error":{…}}: its own type carries no information.
    if (text_of(member(body, "type")) != "error" && !has_choices(body)) read_flat(body, fields);
    if (wrapped && fields.code.empty()) fields.code = scalar_text_of(member(body, "code"));
    if (const json* detail = member(body, "detail")) read_detail(*detail, fields);
    for (const char* name : {"details", "reason", "title"}) {
        if (const json* text = member(body, name)) take(fields.message, any_text(*text));
    }
    if (text_of(member(body, "type")) == "error") take(fields.message, std::string(text_of(member(body, "message"))));
    take(fields.message, std::string(text_of(member(body, "base_resp", "status_msg"))));
    if (fields.code.empty() && member(body, "base_resp", "status_code") != nullptr) {
        fields.code = scalar_text_of(member(body, "base_resp", "status_code"));
        fields.number_of = "minimax";
    }
    take(fields.request_id, std::string(text_of(member(body, "request_id"))));
    read_retry_hints(body, fields);
    // The code of the quoted upstream says more than a relay's bare number.
    if (is_number_text(fields.code) && !fields.inner_code.empty()) std::swap(fields.code, fields.inner_code);
    return fields;
}

}  // namespace holysheep::wire
