// Owners for libevent's objects, and the one place that includes its headers.
// [libevent] → the simulator, the dashboard's server
#pragma once

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <chrono>
#include <memory>

namespace holysheep::inline v0::libevent {

struct LibeventDeleter {
    void operator()(event_base* base) const { event_base_free(base); }
    void operator()(event* watched) const { event_free(watched); }
    void operator()(bufferevent* buffered) const { bufferevent_free(buffered); }
    void operator()(evconnlistener* listener) const { evconnlistener_free(listener); }
    void operator()(evhttp* server) const { evhttp_free(server); }
};

using EventBase = std::unique_ptr<event_base, LibeventDeleter>;
using Event = std::unique_ptr<event, LibeventDeleter>;
using BufferEvent = std::unique_ptr<bufferevent, LibeventDeleter>;
using Listener = std::unique_ptr<evconnlistener, LibeventDeleter>;
using HttpServer = std::unique_ptr<evhttp, LibeventDeleter>;

inline timeval to_timeval(std::chrono::milliseconds duration) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
    timeval value{};
    value.tv_sec = static_cast<decltype(value.tv_sec)>(seconds.count());
    value.tv_usec = static_cast<decltype(value.tv_usec)>(std::chrono::microseconds(duration - seconds).count());
    return value;
}

}  // namespace holysheep::inline v0::libevent
