// One region of the simulator: its port, its fault, its connections, and the record of its requests.
// GatewaySimulator → [SimulatedGateway] → SimulatedConnection
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <utility>
#include <vector>

#include <holysheep/testing/gateway_simulator.hpp>

#include "libevent/handles.hpp"
#include "testing/fault_script.hpp"

namespace holysheep::inline v0::testing {

class SimulatedConnection;

/// Counters and records: written by the loop's thread, read by any.
class RequestLog {
  public:
    explicit RequestLog(const SimulatorOptions& options) : options_(options) {}

    std::uint64_t add(std::string_view region, const ParsedRequest& request, std::uint64_t connection, int number);
    void set_status(std::uint64_t serial, int status);
    void set_answered(std::uint64_t serial);
    void set_closed_early(std::uint64_t serial);
    void connection_opened();
    void connection_closed();

    struct Counters {
        std::uint64_t requests = 0, early_closes = 0, connections = 0;
        std::size_t open = 0;
    };
    Counters counters() const;
    template <class Condition>
    bool wait(std::chrono::milliseconds timeout, Condition condition) const {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, timeout, [&] { return condition(counters_); });
    }
    std::vector<SeenRequest> seen() const;
    void clear();

  private:
    SeenRequest* find(std::uint64_t serial);

    const SimulatorOptions& options_;
    mutable std::mutex mutex_;  // guards everything below
    mutable std::condition_variable changed_;
    Counters counters_;
    std::deque<SeenRequest> seen_;
    std::uint64_t first_ = 1;  // serial of seen_.front(); serials count from 1
};

/// All functions but `log()`, `id()`, `host()` and `port()` run on the loop's thread, or while it does not exist.
class SimulatedGateway {
  public:
    /// Throws std::runtime_error if the port is not available.
    SimulatedGateway(event_base* base, SimulatedRegion region, const SimulatorOptions& options, std::uint64_t seed);
    ~SimulatedGateway();
    SimulatedGateway(const SimulatedGateway&) = delete;
    SimulatedGateway& operator=(const SimulatedGateway&) = delete;

    const std::string& id() const { return region_.id; }
    std::uint16_t port() const { return port_; }
    const std::string& host() const { return region_.host; }
    RequestLog& log() { return log_; }
    const RequestLog& log() const { return log_; }

    void set_fault(Fault fault);
    void set_latency(std::chrono::milliseconds latency) { region_.latency = latency; }
    void set_thinking(std::chrono::milliseconds thinking) { region_.thinking = thinking; }
    void set_late_head(bool late_head) { region_.late_head = late_head; }
    void set_stream(int chunks, std::chrono::milliseconds between_chunks);
    void reset_connections();

    /// Called by connections.
    bool frozen() const { return frozen_; }
    void freeze() { frozen_ = true; }
    std::pair<std::uint64_t, AnswerScript> accept_request(const ParsedRequest& request, std::uint64_t connection,
                                                          int number_on_connection);
    void answered(std::uint64_t serial) { log_.set_answered(serial); }
    void client_closed(std::uint64_t serial) { log_.set_closed_early(serial); }
    void retire(SimulatedConnection& connection);

  private:
    void listen();
    void stop_listening();
    void flap();
    void accepted(evutil_socket_t socket);
    const Fault& fault_for(const ParsedRequest& request);

    event_base* base_;
    SimulatedRegion region_;
    const SimulatorOptions& options_;
    RequestLog log_;
    std::mt19937_64 random_;
    Fault fault_;
    bool frozen_ = false;
    std::uint16_t port_ = 0;
    evutil_socket_t reservation_ = -1;  // bound but not listening: reserves the port while it refuses connections
    libevent::Listener listener_;
    libevent::Event flap_timer_, reaper_;
    std::uint64_t last_connection_ = 0;
    std::map<std::uint64_t, std::unique_ptr<SimulatedConnection>> connections_;
    std::vector<std::unique_ptr<SimulatedConnection>> retired_;
};

}  // namespace holysheep::inline v0::testing
