// Simulates the network of one client process: HTTP/1.1 over kept-alive connections, on virtual time.
// client → [SimTransport] → NetworkPath, Gateway → TransferEvents
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <holysheep/transport.hpp>

#include "answer_bytes.hpp"
#include "environment.hpp"

namespace holysheep::sim {

/// The URL at which this transport finds a region: `https://<id>.sim.test/v1`. The gateway's front end answers GET
/// /models, and GET /load with headers that show how busy the gateway is; GET /ready waits for its turn in the workers'
/// queue.
std::string base_url(const RegionPlan& region);

class SimTransport final : public Transport {
  public:
    /// `incarnation` distinguishes the successive processes of one client.
    SimTransport(const Environment& env, int client, int incarnation);
    ~SimTransport() override;

    TransferId start(HttpRequest request, TransferEvents& events) override;
    void cancel(TransferId id) override;
    void pause(TransferId id) override;
    void resume(TransferId id) override;
    std::optional<PathEvidence> evidence(TransferId id) const override;

    /// The region closes its idle connections; if its processes died, its kernel resets the others.
    void lose_region(std::size_t region, bool died);

  private:
    enum class RequestKind { chat, models, load, ready };
    enum class Part {
        head,
        comment,
        first_piece,
        piece,
        last_piece,
        cut,
        overloaded,
        overloaded_with_hint,
        throttled,
        over_quota,
        broken,
        models,
        load
    };

    struct Connection {
        std::optional<Time> dns{}, connect{}, tls{};  // since the dispatch; unset on reuse
        bool reused = false;
        nanoseconds srtt{}, rttvar{};
    };
    struct Transfer {
        TransferEvents* events = nullptr;
        RequestKind kind = RequestKind::chat;
        std::size_t region = 0;
        std::optional<CallNumber> call{};
        Time dispatched{}, sent{}, acked = kNever, in_order{};
        std::optional<Time> resolved{};  // when the first packet was sent
        Time handshake_done = kNever;    // when the handshake was complete
        bool ready = false, was_sent = false, has_head = false, dead_on_arrival = false, paused = false;
        Connection connection;
        RandomStream random;
        RandomStream request_random;  // for this request alone: a second one to the same region draws other numbers
        Gateway::JobId job = 0;
        std::optional<double> served{};  // service time in seconds, once the gateway has finished
        std::vector<Part> undelivered{};

        Transfer(RandomStream of_call, RandomStream of_request) : random(of_call), request_random(of_request) {}
    };

    Transfer* find(TransferId id);
    void connect(TransferId id);
    void fail_connect(TransferId id, Time when, ErrorCode code, const char* why);
    void on_ready(TransferId id);
    void send(TransferId id, Transfer& transfer);
    void on_arrival(TransferId id);
    void submit(TransferId id, Transfer& transfer);
    /// Sends a keep-alive comment now and periodically, as long as the region sends nothing else.
    void comment(TransferId id);
    /// Whether the client's account has room in the gateway's rate window, if there is one.
    bool account_admits(std::size_t region, Time now);
    /// The error that the region answers with; unset if it serves the request.
    std::optional<Part> refusal(Transfer& transfer, Time now);
    void on_step(TransferId id, Gateway::Step step, Time arrived);
    void answer(TransferId id, Part part);
    void receive(TransferId id, Part part);
    void deliver_answer(TransferId id, int status, std::string_view body, Headers headers);
    bool deliver_head(TransferId id, int status, Headers headers);
    bool deliver_stream_head(TransferId id);
    bool deliver_body(TransferId id, std::string_view bytes);
    void end(TransferId id, TransferEnd end);
    void end_with_reset(TransferId id, Time when, bool undelivered, const char* why);
    void close(const Transfer& transfer);
    void expect_by(TransferId id, const Transfer& transfer, Time due);
    bool any_region_alive(Time when) const;
    /// Updates when the next sign of life is due. In a frozen region only the unanswered probe shows the problem;
    /// missing content may mean that the model is still working.
    void update_expected(TransferId id);
    void record_waste(std::optional<CallNumber> call, std::optional<double> served);

    Environment env_;
    const int client_;
    const std::uint64_t stream_base_;
    TransferId last_ = 0;
    std::unordered_map<TransferId, Transfer> transfers_;
    std::vector<std::vector<Connection>> idle_;   // by region
    std::vector<std::optional<Time>> probe_due_;  // by region: when the answer to the first unanswered probe was due
    std::deque<Time> account_;                    // when the gateway recently admitted requests of this client
};

}  // namespace holysheep::sim
