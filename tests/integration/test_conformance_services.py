"""skynet's libraries for services, by the rules that the scripts of tests/conformance print."""

import pytest
import skynet_rules

RULES = {
    "service": [
        "1.5 new runs a function as a service",
        "1.5 new of a name that exists gives that one",
        "1.5 query waits until the service exists",
        "1.5 concurrent starts make one service",
        "1.5 a failed start raises, and is remembered by query",
        "1.5 a function with upvalues is refused",
        "1.5 close kills, once",
        "1.5 a name can be used again after its service ended",
    ],
    "coroutine": [
        "1.5 resume and yield pass values",
        "1.5 resume tells what it cannot do",
        "1.5 blocking functions work inside",
        "1.5 they work at any depth",
        "1.5 a coroutine in such a call is blocked",
        "1.5 thread is the service's coroutine",
        "1.5 close runs the pending variables",
        "1.5 another coroutine may resume it",
        "1.5 a plain coroutine between is an error",
        "1.5 sockets work inside",
        "1.5 a callee that ends raises inside",
        "1.5 exit works inside",
        "1.5 ret and context are those of the request",
    ],
    "profile": [
        "1.5 stop gives the seconds since start",
        "1.5 time spent waiting does not count",
        "1.5 misuse raises",
        "1.5 a nested coroutine counts by itself",
        "1.5 its thread's time contains it",
        "1.5 resume and wrap count plain coroutines",
    ],
    "datacenter": [
        "1.5 set returns the value before",
        "1.5 paths make branches",
        "1.5 all services see it",
        "2.13 a path through a value raises",
        "2.13 wait blocks until the value is set",
        "2.13 wait takes a table that is there or is set",
        "2.13 wait for what becomes a branch raises",
        "2.13 who ends while waiting is forgotten",
    ],
    "snax": [
        "1.9 newservice runs init and gives an object",
        "1.9 req returns all values",
        "1.9 post does not wait",
        "1.9 an error in response fails the request",
        "1.9 an unknown function raises here",
        "1.9 bind knows an address by its type",
        "1.9 self is the service's own object",
        "1.9 interface lists the functions",
        "1.9 a service may be a folder",
        "1.9 enablecluster takes lua messages",
        "1.9 profile_info counts calls",
        "1.9 unique services are started once",
        "2.13 init runs once, and first",
        "2.13 kill runs exit and waits",
        "2.13 hotfix replaces functions and keeps locals",
        "1.9 printf logs a formatted line",
    ],
    "multicast": [
        "1.5 every subscriber gets all messages in order",
        "2.13 subscribing twice is once",
        "2.13 objects of one channel in one service",
        "2.13 a deleted channel is silent for others",
        "1.5 a collected object unsubscribes",
        "2.13 subscribers that end are forgotten",
        "2.13 messages of killed subscribers hurt nobody",
        "1.5 a handler may wait",
        "1.5 the messages of each publisher stay in order",
        "1.5 pack and unpack can be given",
        "2.13 numbers leave 8 bits for the harbor",
    ],
    "inject": [
        "1.6 print is captured",
        "1.6 _U holds the upvalues of the functions",
        "1.6 _P holds those of the handlers",
        "1.6 errors are returned",
    ],
    "names": [
        "1.8 globalname names a service",
        "1.8 queryname waits for the name",
    ],
}
# Lines that the log must have.
LOGGED = {"snax": ["printed 5 by snax"]}


@pytest.mark.parametrize("topic", RULES)
def test_rules(topic, tmp_path):
    lines, output = skynet_rules.run(topic, tmp_path)
    wanted = [f"ok {rule}" for rule in RULES[topic]] + [f"conformance {topic} done"]
    told = ("ok ", "failed ", "conformance ")
    assert [line for line in lines if line.startswith(told)] == wanted, output[-3000:]
    for text in LOGGED.get(topic, []):
        assert text in output
