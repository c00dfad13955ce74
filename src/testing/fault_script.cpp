// Turns faults into scripts. Each kind of fault is a few edits to the list of pieces that form a healthy answer.
// gateway answer + Fault → [fault script] → SimulatedConnection
#include "testing/fault_script.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <utility>

#include "testing/answer_text.hpp"

namespace holysheep::inline v0::testing {
namespace {

using namespace std::chrono_literals;
using Kind = Fault::Kind;

// Long enough for the client to read the data before a reset, which may overtake it.
constexpr auto kBeforeReset = 10ms;

std::string in_hex(std::size_t number) {
    std::array<char, 20> text{};
    return {text.data(), std::to_chars(text.data(), text.data() + text.size(), number, 16).ptr};
}

/// Builds the pieces of one answer, framed as its request requires.
class ScriptWriter {
  public:
    ScriptWriter(const GatewayAnswer& answer, const ParsedRequest& request, const Fault& fault, Pace pace)
        : answer_(answer), request_(request), fault_(fault), pace_(pace) {
        script_.status = answer.status;
        script_.ending = request.keep_alive ? Ending::keep_alive : Ending::close;
        chunked_ = answer.streamed && !request.http_1_0;
        if (answer.streamed && request.http_1_0) script_.ending = Ending::close;
        // Errors are sent after the thinking time.
        if (pace_.late_head || answer.status >= 300) pace_.latency += std::exchange(pace_.thinking, 0ms);
    }

    AnswerScript whole() {
        if (answer_.streamed) {
            stream(answer_.events.size());
            finish_stream();
        } else {
            head();
            add(body());
        }
        return std::move(script_);
    }

    AnswerScript head_then(Ending ending) {
        head();
        return end(ending);
    }

    /// The first pieces of a stream, or half of a body; then `ending`.
    AnswerScript part_then(Ending ending) {
        part();
        return end(ending);
    }

    /// The answer up to the position `Fault::at`.
    AnswerScript frozen() {
        const bool whole_body = request_.method != "POST";
        if (whole_body) return whole();
        if (fault_.at != FreezeAt::before_head) head();
        switch (fault_.at) {
            case FreezeAt::before_head:
            case FreezeAt::after_head: break;
            case FreezeAt::after_role:
                if (answer_.streamed)
                    events(1);
                else
                    add(body().substr(0, 1));
                break;
            case FreezeAt::amid_comments:
                for (int i = 0; i < 8; ++i) add(answer_.streamed ? frame(": wait\n\n") : " ", 200ms);
                break;
            case FreezeAt::after_content:
                if (answer_.streamed)
                    events(announced_events());
                else
                    add(body().substr(0, answer_.body.size() / 2));
                break;
            case FreezeAt::before_end:
                if (answer_.streamed)
                    events(1 + answer_.content_events);
                else
                    add(body().substr(0, answer_.body.size() - 1));
                break;
        }
        script_.freezes = true;
        return end(Ending::silence);
    }

    AnswerScript part_then_silence() {
        part();
        if (answer_.streamed && fault_.period > 0ms) repeat(frame(": keep-alive\n\n"), fault_.period);
        return end(Ending::silence);
    }

    AnswerScript part_then_error_event() {
        stream(announced_events());
        add(frame("data: " + answer_text::error_json_for_status(fault_.status) + "\n\n"), pace_.between_chunks);
        finish_stream();
        return std::move(script_);
    }

    AnswerScript without_done_marker() {
        const bool marked = answer_.streamed && answer_.events.back() == "data: [DONE]\n\n";
        if (!marked) return whole();
        stream(answer_.events.size() - 1);
        finish_stream();
        return std::move(script_);
    }

    AnswerScript dripped() {
        head();
        std::string all = body();
        if (answer_.streamed)
            for (const auto& event : answer_.events) all += frame(event);
        if (chunked_) all += "0\r\n\r\n";
        const auto period = fault_.period > 0ms ? fault_.period : 20ms;
        for (const char byte : all) add(std::string(1, byte), period);
        return std::move(script_);
    }

    AnswerScript endless_headers() {
        add(status_line(), pace_.latency);
        std::string lines;
        for (int i = 0; i < 100; ++i) lines += "x-wool-" + std::to_string(i) + ": baa baa black sheep\r\n";
        repeat(std::move(lines));
        return end(Ending::silence);
    }

    AnswerScript huge_header_line() {
        add(status_line() + "x-wool: " + std::string(256 * 1024, 'b') + "\r\n", pace_.latency);
        add(header_lines() + body());
        if (answer_.streamed) events(answer_.events.size());
        finish_stream();
        return std::move(script_);
    }

    AnswerScript endless_body() {
        if (answer_.streamed) {
            stream(announced_events());
            const std::size_t text = std::min<std::size_t>(answer_.content_events, 1);
            repeat(frame(answer_.events[text]), pace_.between_chunks);
        } else {
            script_.pieces.push_back(
                {status_line() + "transfer-encoding: chunked\r\n" + plain_header_lines() + "\r\n", pace_.latency});
            const std::string open = R"({"id":"endless","choices":[{"index":0,"message":{"content":")";
            add(in_hex(open.size()) + "\r\n" + open + "\r\n");
            const std::string wool(4096, 'b');
            repeat(in_hex(wool.size()) + "\r\n" + wool + "\r\n");
        }
        return end(Ending::silence);
    }

  private:
    std::string status_line() const {
        return "HTTP/1.1 " + std::to_string(answer_.status) + " " +
               std::string(answer_text::reason_phrase(answer_.status)) + "\r\n";
    }

    std::string plain_header_lines() const {
        auto headers = answer_.headers;
        set_header(headers, "content-type", answer_.content_type);
        for (const auto& [name, value] : fault_.headers) set_header(headers, name, value);
        std::string lines;
        for (const auto& [name, value] : headers) lines.append(name).append(": ").append(value).append("\r\n");
        if (!request_.keep_alive)
            lines += "connection: close\r\n";
        else if (request_.http_1_0)
            lines += "connection: keep-alive\r\n";
        return lines;
    }

    std::string header_lines() const {
        std::string framing;
        if (chunked_)
            framing = "transfer-encoding: chunked\r\n";
        else if (!answer_.streamed)
            framing = "content-length: " + std::to_string(answer_.body.size()) + "\r\n";
        return plain_header_lines() + framing + "\r\n";
    }

    std::string body() const { return answer_.streamed || request_.method == "HEAD" ? std::string() : answer_.body; }

    std::string frame(std::string_view bytes) const {
        if (!chunked_) return std::string(bytes);
        return in_hex(bytes.size()).append("\r\n").append(bytes).append("\r\n");
    }

    void add(std::string bytes, std::chrono::milliseconds delay = 0ms) {
        if (head_sent_) delay += std::exchange(pace_.thinking, 0ms);
        // Pieces without a pause are sent with the previous one.
        if (delay == 0ms && !script_.pieces.empty() && bytes.size() < 4096 && script_.pieces.back().bytes.size() < 4096)
            script_.pieces.back().bytes += bytes;
        else
            script_.pieces.push_back({std::move(bytes), delay});
    }

    void repeat(std::string bytes, std::chrono::milliseconds delay = 0ms) {
        script_.pieces.push_back({std::move(bytes), delay});
        script_.repeat_last = true;
    }

    void head() {
        add(status_line() + header_lines(), pace_.latency);
        head_sent_ = true;
    }

    void events(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            const bool paced = i > 1 && i <= answer_.content_events;
            add(frame(answer_.events[i]), paced ? pace_.between_chunks : 0ms);
        }
    }

    void stream(std::size_t count) {
        head();
        events(count);
    }

    void finish_stream() {
        if (chunked_) add("0\r\n\r\n");
    }

    /// The number of events up to `after_chunks` pieces of text, with the announcement.
    std::size_t announced_events() const {
        const auto wanted = static_cast<std::size_t>(std::max(fault_.after_chunks, 0));
        return 1 + std::min(wanted, answer_.content_events);
    }

    void part() {
        if (answer_.streamed) {
            stream(announced_events());
        } else {
            head();
            add(body().substr(0, answer_.body.size() / 2));
        }
    }

    AnswerScript end(Ending ending) {
        script_.ending = ending;
        if (ending == Ending::reset) script_.pieces.push_back({"", kBeforeReset});
        return std::move(script_);
    }

    const GatewayAnswer& answer_;
    const ParsedRequest& request_;
    const Fault& fault_;
    Pace pace_;
    bool chunked_ = false, head_sent_ = false;
    AnswerScript script_;
};

GatewayAnswer with_body(const GatewayAnswer& healthy, int status, std::string body) {
    GatewayAnswer answer = healthy;
    answer.status = status;
    answer.content_type = "application/json";
    answer.body = std::move(body);
    answer.events.clear();
    answer.streamed = false;
    return answer;
}

GatewayAnswer html_page(const GatewayAnswer& healthy, const Fault& fault) {
    const std::string title =
        std::to_string(fault.status) + " " + std::string(answer_text::reason_phrase(fault.status));
    GatewayAnswer answer = with_body(healthy, fault.status,
                                     fault.body.empty() ? "<html><head><title>" + title + "</title></head><body><h1>" +
                                                              title + "</h1></body></html>\n"
                                                        : fault.body);
    answer.content_type = "text/html";
    return answer;
}

std::string error_in_body(int status) {
    return R"({"error":{"message":"The upstream provider failed.","type":"server_error","param":null,"code":)" +
           std::to_string(status) + "}}";
}

// Changes a healthy answer by a fault of the content, as opposed to one of the connection.
GatewayAnswer faulty_answer(const GatewayAnswer& healthy, const Fault& fault) {
    GatewayAnswer answer = healthy;
    switch (fault.kind) {
        case Kind::status:
            return with_body(healthy, fault.status,
                             fault.body.empty() ? answer_text::error_json_for_status(fault.status) : fault.body);
        case Kind::quota:
            return with_body(healthy, 429,
                             answer_text::error_json("You exceeded your current quota, please check your plan.",
                                                     "insufficient_quota", "insufficient_quota"));
        case Kind::error_in_200: return with_body(healthy, 200, error_in_body(fault.status));
        case Kind::empty_body: return with_body(healthy, 200, "");
        case Kind::html: return html_page(healthy, fault);
        case Kind::wrong_content_type: answer.content_type = "text/plain"; break;
        case Kind::error_in_stream:
            if (!healthy.streamed) return with_body(healthy, 200, error_in_body(fault.status));
            break;
        default: break;  // faults of the connection are handled elsewhere
    }
    return answer;
}

AnswerScript connection_only(std::vector<Piece> pieces, Ending ending) {
    AnswerScript script;
    script.pieces = std::move(pieces);
    script.ending = ending;
    return script;
}

}  // namespace

AnswerScript script_answer(const GatewayAnswer& healthy, const ParsedRequest& request, const Fault& fault, Pace pace) {
    const GatewayAnswer answer = faulty_answer(healthy, fault);
    ScriptWriter write(answer, request, fault, pace);
    switch (fault.kind) {
        case Kind::none:
        case Kind::refuse:
        case Kind::flap:
        case Kind::status:
        case Kind::quota:
        case Kind::html:
        case Kind::empty_body:
        case Kind::error_in_200:
        case Kind::wrong_content_type: return write.whole();
        case Kind::reset_before_headers: return connection_only({{"", pace.latency}}, Ending::reset);
        case Kind::reset_after_headers: return write.head_then(Ending::reset);
        case Kind::reset_mid_stream: return write.part_then(Ending::reset);
        case Kind::hang: return connection_only({}, Ending::silence);
        case Kind::hang_after_headers: return write.head_then(Ending::silence);
        case Kind::slow_drip: return write.dripped();
        case Kind::cut: return write.part_then(Ending::close);
        case Kind::garbage:
            return connection_only({{"\x16\x03 baa baa black sheep, this is not HTTP\r\n\r\n", pace.latency}},
                                   Ending::close);
        case Kind::error_in_stream: return answer.streamed ? write.part_then_error_event() : write.whole();
        case Kind::stall_mid_stream: return write.part_then_silence();
        case Kind::freeze: return write.frozen();
        case Kind::no_done_marker: return write.without_done_marker();
        case Kind::endless_headers: return write.endless_headers();
        case Kind::huge_header_line: return write.huge_header_line();
        case Kind::endless_body: return write.endless_body();
        case Kind::close_after_response: {
            AnswerScript script = write.whole();
            script.ending = Ending::close;
            return script;
        }
    }
    return write.whole();
}

AnswerScript script_refusal(int status) {
    GatewayAnswer answer;
    answer.status = status;
    answer.body = answer_text::error_json_for_status(status);
    ParsedRequest request;
    request.keep_alive = false;
    return script_answer(answer, request, {}, {});
}

}  // namespace holysheep::inline v0::testing
