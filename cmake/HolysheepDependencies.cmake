# Finds what the library needs: libcurl, nlohmann/json, spdlog, Threads; libevent for the simulator only.
find_package(Threads REQUIRED)
find_package(CURL 7.87 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(spdlog 1.10 REQUIRED)
