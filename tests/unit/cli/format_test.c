/* SPDX-License-Identifier: BSD-3-Clause */
#include "attributes.h"
#include "format.h"
#include "unit.h"
#include <stdlib.h>
#include <string.h>

struct format_case {
    const char *method;
    const char *result; /* with ' for " */
    const char *text;
};

static json_t *parse(const char *quoted)
{
    char *text = strdup(quoted);
    json_t *json;

    for (char *c = text; *c != '\0'; c++) {
        *c = *c == '\'' ? '"' : *c;
    }
    json = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(json);
    free(text);
    return json;
}

static void check(const struct format_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_t *result = parse(cases[i].result);
        char *text = format_result(cases[i].method, result);

        assert_string_equal(text, cases[i].text);
        free(text);
        json_decref(result);
    }
}

static void results_become_tables_and_lists(void **state)
{
    static const struct format_case cases[] = {
        {"version", "{'program':'anyfwd','version':'0.1.0','api':1}", "anyfwd 0.1.0, API 1\n"},
        {"peer.set", "{}", ""},
        {"route.update", "{'added':1,'replaced':0,'unchanged':0,'deleted':0,'generation':17,'errors':[]}",
         "added        1\n"
         "replaced     0\n"
         "unchanged    0\n"
         "deleted      0\n"
         "generation  17\n"
         "errors       -\n"},
        {"status",
         "{'ready':true,'site':'lon','uptime_s':12.34,'routes':{'v4':2,'v6':0},'workers':[1,2],'sessions':null}",
         "ready     yes\n"
         "site      lon\n"
         "uptime    12.3 s\n"
         "routes    v4 2, v6 0\n"
         "workers   1,2\n"
         "sessions  -\n"},
        {"peer.list", "{'peers':[]}", "no peers\n"},
        {"peer.list",
         "{'peers':[{'name':'ny','as':65001,'type':'ebgp','address':'198.51.100.1','router_id':null,'source':'file',"
         "'routes':1},{'name':'here','as':65000,'type':'local','source':'operator','routes':100000}]}",
         "name     as  type   address       router id  source    routes\n"
         "ny    65001  ebgp   198.51.100.1          -  file           1\n"
         "here  65000  local  -                     -  operator  100000\n"},
        {"instance.list",
         "{'instances':[{'name':'lon1','next_hop':['10.0.2.11','fd00:2::11'],'alive':true,'why':''},"
         "{'name':'z\xc3\xbcrich','next_hop':'10.9.0.1','alive':false,'why':'admin down'}]}",
         "name    next hop              alive  why\n"
         "lon1    10.0.2.11,fd00:2::11  yes\n"
         "z\xc3\xbcrich  10.9.0.1              no     admin down\n"},
        {"fib.lookup",
         "{'prefix':'192.0.2.0/24','tiers':[[{'instance':'lon1','next_hop':'10.0.2.11','alive':false,'why':'admin "
         "down',"
         "'port':'down'},{'instance':'lon2','next_hop':'10.0.2.12','alive':true,'why':null,'port':'down'}],"
         "[{'next_hop':'10.9.0.1','alive':true,'port':null}],[{'action':'blackhole','alive':true}]]}",
         "192.0.2.0/24\n"
         "tier  via        next hop   port  alive  why\n"
         "   1  lon1       10.0.2.11  down  no     admin down\n"
         "   1  lon2       10.0.2.12  down  yes    -\n"
         "   2  10.9.0.1   10.9.0.1   -     yes    -\n"
         "   3  blackhole  -          -     yes    -\n"},
        {"fib.lookup", "{'prefix':'192.0.2.0/24','tiers':[]}", "192.0.2.0/24: no next hop is left\n"},
        {"instance.list",
         "{'instances':[{'name':'lon1','adjacency':[{'id':3,'port':'down'},{'id':4,'port':null}],'alive':true},"
         "{'name':'ny1','adjacency':[],'alive':false}]}",
         "name  alive\n"
         "lon1  yes\n"
         "ny1   no\n"
         "\n"
         "adjacency:\n"
         "      id  port\n"
         "lon1   3  down\n"
         "lon1   4  -\n"},
        {"config.get", "{'site':{'name':'lon'}}", "{\n  \"site\": {\n    \"name\": \"lon\"\n  }\n}\n"},
    };

    (void)state;
    check(cases, ARRAY_SIZE(cases));
}

static void stats_come_in_sections_without_idle_drop_reasons(void **state)
{
    static const struct format_case cases[] = {
        {"stats.get",
         "{'workers':[{'lcore':1,'loops':1000,'rx':5,'cycles_per_packet':12.34}],"
         "'ports':[{'name':'up','rx_packets':5,'tx_packets':0},{'name':'down','rx_packets':0,'tx_packets':5}],"
         "'drops':{'bad_checksum':0,'ttl_expired':3,'no_route':0},'punted':7,"
         "'fib':{'v4':{'routes':1,'bytes':4194304},'v6':{'routes':0,'bytes':0}},'mbufs':{'free':10,'in_use':2}}",
         "drops   ttl_expired 3\n"
         "punted  7\n"
         "mbufs   free 10, in_use 2\n"
         "\n"
         "workers:\n"
         "lcore  loops  rx  cycles per packet\n"
         "    1   1000   5               12.3\n"
         "\n"
         "ports:\n"
         "name  rx packets  tx packets\n"
         "up             5           0\n"
         "down           0           5\n"
         "\n"
         "fib:\n"
         "    routes    bytes\n"
         "v4       1  4194304\n"
         "v6       0        0\n"},
        {"stats.get", "{'drops':{'a':1,'b':2,'c':3,'d':4,'e':5,'f':0}}",
         "drops:\n"
         "a  1\n"
         "b  2\n"
         "c  3\n"
         "d  4\n"
         "e  5\n"},
        {"stats.get", "{'drops':{'a':0},'punted':0}", "drops   -\npunted  0\n"},
    };

    (void)state;
    check(cases, ARRAY_SIZE(cases));
}

static void an_explanation_tells_who_won_and_why_the_others_lost(void **state)
{
    static const struct format_case cases[] = {
        {"route.explain",
         "{'best':[{'peer':'lon','instance':'lon1','path_id':1},{'peer':'lon','instance':'lon2','path_id':2}],"
         "'candidates':["
         "{'peer':'lon','instance':'lon1','path_id':1,'as_path':[65002],'local_pref':100,'origin':'igp','tier':1,"
         "'best':true,'eligible':true},"
         "{'peer':'lon','instance':'lon2','path_id':2,'as_path':[65002],'local_pref':100,'origin':'igp','tier':1,"
         "'best':true,'lost_at':'path_id','detail':'2 > 1','eligible':true},"
         "{'peer':'ny','instance':'ny1','as_path':[65001,[65010,65011]],'local_pref':100,'med':10,'origin':'egp','tier'"
         ":2,"
         "'best':false,'lost_at':'as_path','detail':'2 > 1','eligible':true},"
         "{'peer':'ams','next_hop':'10.9.9.9','as_path':[],'eligible':false,'why_not':'next hop unreachable'}]}",
         "4 candidates\n"
         "   peer  via       as path              local pref  med  origin  path id  tier  why\n"
         ">  lon   lon1      65002                       100    -  igp           1     1  best\n"
         "=  lon   lon2      65002                       100    -  igp           2     1  shares the traffic with the "
         "best\n"
         "   ny    ny1       65001 {65010,65011}         100   10  egp           -     2  lost at as_path: 2 > 1\n"
         "   ams   10.9.9.9  -                             -    -  -             -     -  not eligible: next hop "
         "unreachable\n"},
        {"route.explain", "{'best':[],'candidates':[]}", "0 candidates\n"},
    };

    (void)state;
    check(cases, ARRAY_SIZE(cases));
}

static void route_get_marks_the_best_candidates(void **state)
{
    static const struct format_case cases[] = {
        {"route.get",
         "{'prefix':'192.0.2.0/24','generation':3,'best':[{'peer':'lon'}],'candidates':["
         "{'peer':'ny','action':'blackhole','as_path':[65001]},{'peer':'lon','instance':'lon1','as_path':[]}]}",
         "192.0.2.0/24: 2 candidates, generation 3\n"
         "   peer  via        as path  local pref  med  origin\n"
         "   ny    blackhole    65001           -    -       -\n"
         ">  lon   lon1             -           -    -       -\n"},
        {"route.get",
         "{'prefix':'192.0.2.0/24','best':[{'peer':'a','session':2}],'candidates':["
         "{'peer':'a','session':1,'path_id':0,'stale':false},{'peer':'a','session':2,'communities':[]}]}",
         "192.0.2.0/24: 2 candidates\n"
         "   peer  via  as path  local pref  med  origin  session\n"
         "   a       -        -           -    -       -        1\n"
         ">  a       -        -           -    -       -        2\n"},
    };

    (void)state;
    check(cases, ARRAY_SIZE(cases));
}

static void a_shape_that_nobody_expected_is_shown_all_the_same(void **state)
{
    static const struct format_case cases[] = {
        {"version", "{'v':1}", "v  1\n"},
        {"route.get", "{'candidates':7}", "candidates  7\n"},
        {"route.explain", "[1]", "[\n  1\n]\n"},
        {"fib.lookup", "{'prefix':'::/0'}", "prefix  ::/0\n"},
        {"some.thing", "'text'", "\"text\"\n"},
        {"some.thing", "null", "null\n"},
        {"some.thing", "{'a':[{'b':[{'c':1}]},7]}",
         "[\n  {\n    \"b\": [\n      {\n        \"c\": 1\n      }\n    ]\n  },\n  7\n]\n"},
        {"some.list", "{'things':[{'a':{'b':{'c':1}}}]}", "\na:\n   b\n-  c 1\n"},
        {"some.list", "{'things':[{}]}", ""},
        {"some.list", "{'things':[1,2]}", "[\n  1,\n  2\n]\n"},
    };

    (void)state;
    check(cases, ARRAY_SIZE(cases));
}

/* Names are other people's input, and a terminal obeys escape sequences. */
static void control_characters_never_reach_the_terminal(void **state)
{
    static const struct format_case cases[] = {
        {"peer.list", "{'peers':[{'name':'\\u001b[2J\\n\\u007f','as':1}]}", "name    as\n?[2J??   1\n"},
        {"route.get", "{'prefix':'\\u001b[2J','candidates':[]}", "?[2J: 0 candidates\n"},
        {"version", "{'program':'\\u001b','version':'\\n','api':1}", "? ?, API 1\n"},
        {"x", "{'a':'\\u009bA','b':[],'c':'\xc3\xa9'}", "a  ??A\nb  -\nc  \xc3\xa9\n"},
        {"x", "{'\\u001b':[{'a':1}],'b':1}", "b  1\n\n?:\na\n1\n"},
    };

    (void)state;
    check(cases, ARRAY_SIZE(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_become_tables_and_lists),
        cmocka_unit_test(stats_come_in_sections_without_idle_drop_reasons),
        cmocka_unit_test(an_explanation_tells_who_won_and_why_the_others_lost),
        cmocka_unit_test(route_get_marks_the_best_candidates),
        cmocka_unit_test(a_shape_that_nobody_expected_is_shown_all_the_same),
        cmocka_unit_test(control_characters_never_reach_the_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
