/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Conversations with MariaDB 10.11.19, as they went over the wire: its own clients, PyMySQL 1.0.2, Connector/C 3.3
 * and, where a description says which packets, a client that asked for these.
 */
#ifndef TAPSTAT_TESTS_MYSQL_VECTORS_H
#define TAPSTAT_TESTS_MYSQL_VECTORS_H

#include "exchanges.h"

/* clang-format off */

static const struct line mysql_mariadb[] = {
	ANSWER("d\0\0\0\0125.5.5-10.11.19-MariaDB-0+deb12u1\0\5\0"
		"\0\0^76IN,1M\0\376\367\10\2\0\377\201\25\0\0\0\0\0\0\35\0\0\0qp`p5R!J3_e"
		"_\0mysql_native_password\0"),
	ASK("\317\0\0\1\214\242\277\0\0\0\20\0!\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\35\0\0\0u\0\24\345"
		"0\315\305t\331\225\220\24p\32766\370\354\323/\225B\351t\0mysql_native_passwo"
		"rd\0\177\3_os\5Linux\14_client_name\12libmariadb\4_"
		"pid\00530643\17_client_version\0063.3.20\11_platfo"
		"rm\6x86_64\14program_name\5mysql\14_server_hos"
		"t\011127.0.0.1"),
	ANSWER("\15\0\0\2\0\0\0\2@\0\0\0\4\1\2\1t"),
	ASK("@\0\0\0\3create table if not exists a(i int "
		"primary key, s varchar(200))"),
	ANSWER("\7\0\0\1\0\0\0\2\0\0\0"),
	ASK("\16\0\0\0\3delete from a"),
	ANSWER("\7\0\0\1\0\0\0\"\0\0\0"),
	ASK("&\0\0\0\3insert into a values (1,\"x\"),(2,nul"
		"l)"),
	ANSWER(".\0\0\1\0\2\0\2\0\0\0&Records: 2  Duplicates: 0  W"
		"arnings: 0"),
	ASK("\20\0\0\0\3select * from a"),
	ANSWER("\2\0\0\1\2\1\34\0\0\2\3def\1t\1a\1a\1i\1i\0\14\77\0\13\0\0\0\3\3P\0\0\0\34\0"
		"\0\3\3def\1t\1a\1a\1s\1s\0\14!\0X\2\0\0\375\0\0\0\0\0\5\0\0\4\376\0\0\"\0\4"
		"\0\0\5\0011\1x\3\0\0\6\0012\373\5\0\0\7\376\0\0\"\0"),
	ASK("\25\0\0\0\3select * from nosuch"),
	ANSWER("'\0\0\1\377z\4#42S02Table 't.nosuch' doesn't ex"
		"ist"),
	ASK("\1\0\0\0\1"),
};

static const struct line mysql_refused[] = {
	ANSWER("d\0\0\0\0125.5.5-10.11.19-MariaDB-0+deb12u1\0\10\0"
		"\0\0A^75B0e-\0\376\367\10\2\0\377\201\25\0\0\0\0\0\0\35\0\0\0P-,7pMof6vq"
		"S\0mysql_native_password\0"),
	ASK("\315\0\0\1\204\242\277\0\0\0\20\0!\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\35\0\0\0u\0\24\301"
		"\265\310S%\264\370\273B7\372\246\267\33\321\27[\341E`mysql_native_password"
		"\0\177\3_os\5Linux\14_client_name\12libmariadb\4_pi"
		"d\00530691\17_client_version\0063.3.20\11_platform"
		"\6x86_64\14program_name\5mysql\14_server_host\11"
		"127.0.0.1"),
	ANSWER("E\0\0\2\377\25\4#28000Access denied for user 'u'@"
		"'localhost' (using password: YES)"),
};

static const struct line mysql_admin[] = {
	ANSWER("d\0\0\0\0125.5.5-10.11.19-MariaDB-0+deb12u1\0\23\0"
		"\0\0f_+TGFjb\0\376\367\10\2\0\377\201\25\0\0\0\0\0\0\35\0\0\0-YX-w0*\"gb9"
		"2\0mysql_native_password\0"),
	ASK("\322\0\0\1\204\242\276\200\0\0\20\0!\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\35\0\0\0u\0\24("
		"\342Ue\314\272~K$\272U \251\331\12\325\246G\12hmysql_native_password"
		"\0\204\3_os\5Linux\14_client_name\12libmariadb\4_pi"
		"d\00518976\17_client_version\0063.3.20\11_platform"
		"\6x86_64\14program_name\12mysqladmin\14_server_"
		"host\011127.0.0.1"),
	ANSWER("\7\0\0\2\0\0\0\2\0\0\0"),
	ASK("\1\0\0\0\16"),
	ANSWER("\7\0\0\1\0\0\0\2\0\0\0"),
	ASK("\1\0\0\0\11"),
	ANSWER("s\0\0\1Uptime: 1104  Threads: 1  Questions:"
		" 188  Slow queries: 0  Opens: 75  Open t"
		"ables: 4  Queries per second avg: 0.170"),
	ASK("\21\0\0\0\3show processlist"),
	ANSWER("\2\0\0\1\11\1\31\0\0\2\3def\0\0\0\2Id\0\0\14\77\0\13\0\0\0\10\201\0\0\0\0\33\0\0\3\3"
		"def\0\0\0\4User\0\0\14!\0\200\1\0\0\375\1\0'\0\0\33\0\0\4\3def\0\0\0\4Ho"
		"st\0\0\14!\0\300\0\0\0\375\1\0'\0\0\31\0\0\5\3def\0\0\0\2db\0\0\14!\0\300\0\0\0"
		"\375\0\0'\0\0\36\0\0\6\3def\0\0\0\7Command\0\0\14!\0000\0\0\0\375\1\0'\0\0"
		"\33\0\0\7\3def\0\0\0\4Time\0\0\14\77\0\7\0\0\0\3\201\0\0\0\0\34\0\0\10\3def\0"
		"\0\0\5State\0\0\14!\0Z\0\0\0\375\0\0'\0\0\33\0\0\11\3def\0\0\0\4Info\0"
		"\0\14!\0,\1\0\0\375\0\0'\0\0\37\0\0\12\3def\0\0\0\10Progress\0\0\14\77\0\7"
		"\0\0\0\5\201\0\3\0\0\5\0\0\13\376\0\0\2\0>\0\0\14\00219\1u\17localhost:40"
		"182\373\5Query\0010\10starting\20show processlist\0050"
		".000\5\0\0\15\376\0\0\2\0"),
	ASK("\1\0\0\0\1"),
};

static const struct line mysql_slap[] = {
	ANSWER("d\0\0\0\0125.5.5-10.11.19-MariaDB-0+deb12u1\0\12\0"
		"\0\0*SFD`737\0\376\367\10\2\0\377\201\25\0\0\0\0\0\0\35\0\0\0\\I:'QEFmsz,"
		"j\0mysql_native_password\0"),
	ASK("\277\0\0\1\214\242\277\200\0\0\20\0\10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\35\0\0\0u\0\24d"
		"\314\241}N\257nx\322\376\307\314\332\215\276\2364\215\245\226slap\0mysql_native_pas"
		"sword\0l\3_os\5Linux\14_client_name\12libmariad"
		"b\4_pid\00530696\17_client_version\0063.3.20\11_pla"
		"tform\6x86_64\14_server_host\011127.0.0.1"),
	ANSWER("\20\0\0\2\0\0\0\2@\0\0\0\7\1\5\4slap"),
	ASK("\241\0\0\0\3INSERT INTO t1 VALUES (100669,'qnMd"
		"ipW5KkXdTjGCh2PNzLoeR0527frpQDQ8uw67Ydk1"
		"K06uuNHtkxYBxT5w8plb2BbpzhwYBgPNYX9RmICW"
		"GkZD6fAESvhMzH3yqzMtXoH4BQNylbK1CmEIPGYl"
		"C6')\0"),
	ANSWER("\7\0\0\1\0\1\0\2\0\0\0"),
	ASK("\244\0\0\0\3INSERT INTO t1 VALUES (866596855,'n"
		"aQuzhMt1IrZIJMkbLAKBNNKKK2sCknzI5uHeGAgQ"
		"uDd5SLgpN0smODyc7qorTo1QaI5qLl97qmCIzl0M"
		"ds81x7TxpIoJyqlY0iEDRNKA1PS0AKEn5NhuMAr3"
		"KgEIM')\0"),
	ANSWER("\7\0\0\1\0\1\0\2\0\0\0"),
	ASK("\1\0\0\0\1"),
};

static const struct line mysql_pymysql[] = {
	ANSWER("d\0\0\0\0125.5.5-10.11.19-MariaDB-0+deb12u1\0\30\0"
		"\0\0/B>Q]_F\"\0\376\367\10\2\0\377\201\25\0\0\0\0\0\0\35\0\0\0p5R~G%#}o5X"
		"=\0mysql_native_password\0"),
	ASK("\206\0\0\1\15\242:\0\377\377\377\0-\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0u\0\0240"
		"\253e\257\217Ph\226\273\243\326\264Y\320 \274\375\324h\\t\0mysql_native_passwo"
		"rd\0006\14_client_name\7pymysql\4_pid\00519759\17_cl"
		"ient_version\0051.0.2"),
	ANSWER("\7\0\0\2\0\0\0\2\0\0\0"),
	ASK("\23\0\0\0\3SET AUTOCOMMIT = 0"),
	ANSWER("\7\0\0\1\0\0\0\0\0\0\0"),
	ASK(")\0\0\0\3set global max_allowed_packet=10737"
		"41824"),
	ANSWER("\7\0\0\1\0\0\0\0\0\0\0"),
	ASK("\1\0\0\0\1"),
};

static const struct line mysql_procedure[] = {
	ANSWER("d\0\0\0\0125.5.5-10.11.19-MariaDB-0+deb12u1\0\16\0"
		"\0\0Jc7%SS*q\0\376\367\10\2\0\377\201\25\0\0\0\0\0\0\35\0\0\0}DwN_rB1mQ/"
		"4\0mysql_native_password\0"),
	ASK("\317\0\0\1\214\242\277\0\0\0\20\0!\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\35\0\0\0u\0\0246"
		"\207F<\213\337\334LM(\231\25\315\376\0\301\314\21\306\301t\0mysql_native_passwo"
		"rd\0\177\3_os\5Linux\14_client_name\12libmariadb\4_"
		"pid\00518462\17_client_version\0063.3.20\11_platfo"
		"rm\6x86_64\14program_name\5mysql\14_server_hos"
		"t\011127.0.0.1"),
	ANSWER("\15\0\0\2\0\0\0\2@\0\0\0\4\1\2\1t"),
	ASK("@\0\0\0\3create or replace procedure p() beg"
		"in select 1; select 2,3; end"),
	ANSWER("\7\0\0\1\0\0\0\2\0\0\0"),
	ASK("\11\0\0\0\3call p()"),
	ANSWER("\2\0\0\1\1\1\30\0\0\2\3def\0\0\0\0011\0\0\14\77\0\1\0\0\0\3\201\0\0\0\0\5\0\0\3\376\0"
		"\0\12\0\2\0\0\4\0011\5\0\0\5\376\0\0\12\0\2\0\0\6\2\1\30\0\0\7\3def\0\0\0\0012\0\0\14"
		"\77\0\1\0\0\0\3\201\0\0\0\0\30\0\0\10\3def\0\0\0\0013\0\0\14\77\0\1\0\0\0\3\201\0\0\0\0"
		"\5\0\0\11\376\0\0\12\0\4\0\0\12\0012\0013\5\0\0\13\376\0\0\12\0\7\0\0\14\0\0\0\2\0\0\0"),
	ASK("6\0\0\0\3select 1; select 2; update a set s="
		"1; bogus; select 3"),
	ANSWER("\2\0\0\1\1\1\30\0\0\2\3def\0\0\0\0011\0\0\14\77\0\1\0\0\0\3\201\0\0\0\0\5\0\0\3\376\0"
		"\0\12\0\2\0\0\4\0011\5\0\0\5\376\0\0\12\0\2\0\0\6\1\1\30\0\0\7\3def\0\0\0\0012\0\0\14"
		"\77\0\1\0\0\0\3\201\0\0\0\0\5\0\0\10\376\0\0\12\0\2\0\0\11\0012\5\0\0\12\376\0\0\12\0000\0\0\13"
		"\0\0\0*\0\0\0(Rows matched: 2  Changed: 0  War"
		"nings: 0\254\0\0\14\377(\4#42000You have an error i"
		"n your SQL syntax; check the manual that"
		" corresponds to your MariaDB server vers"
		"ion for the right syntax to use near 'bo"
		"gus; select 3' at line 1"),
	ASK("\1\0\0\0\1"),
};

static const struct line mysql_compressed[] = {
	ANSWER("d\0\0\0\0125.5.5-10.11.19-MariaDB-0+deb12u1\0\17\0"
		"\0\0vPkKt)k`\0\376\367\10\2\0\377\201\25\0\0\0\0\0\0\35\0\0\0#(AL;!4!EyU"
		"y\0mysql_native_password\0"),
	ASK("\317\0\0\1\254\242\277\0\0\0\20\0!\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\35\0\0\0u\0\24\17"
		"\6\22\"\352FU:\335\267\0022\370\206%\335\362\306>\217t\0mysql_native_passwo"
		"rd\0\177\3_os\5Linux\14_client_name\12libmariadb\4_"
		"pid\00518490\17_client_version\0063.3.20\11_platfo"
		"rm\6x86_64\14program_name\5mysql\14_server_hos"
		"t\011127.0.0.1"),
	ANSWER("\15\0\0\2\0\0\0\2@\0\0\0\4\1\2\1t"),
	ASK("\15\0\0\0\0\0\0\11\0\0\0\3select 1"),
	ANSWER("6\0\0\1:\0\0x\234cb``dd\224```bNIMc\0\362\14\31\30x\354\31\30\201L\346F \301\300"
		"\12d\374\3\312\3!\3\13\243!\220\313\12\346\2\0{M\4\236"),
	ASK("\15\0\0\0\0\0\0\11\0\0\0\3select 2"),
	ANSWER("6\0\0\1:\0\0x\234cb``dd\224```bNIMc\0\362\214\30\30x\354\31\30\201L\346F \301\300"
		"\12d\374\3\312\3!\3\13\243\21\220\313\12\346\2\0{\177\4\240"),
	ASK("\5\0\0\0\0\0\0\1\0\0\0\1"),
};

static const struct line mysql_connector[] = {
	ANSWER("d\0\0\0\0125.5.5-10.11.19-MariaDB-0+deb12u1\0\21\0"
		"\0\0!~{n8h'%\0\376\367\10\2\0\377\201\25\0\0\0\0\0\0\35\0\0\0#\"|o:o@4$SY"
		"F\0mysql_native_password\0"),
	ASK("\274\0\0\1\214\242\276\0\0\0\20\0-\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\35\0\0\0u\0\24U"
		"\2203\355\325\20Te)\343\0&O\2H\301d\241\335ft\0mysql_native_passwo"
		"rd\0l\3_os\5Linux\14_client_name\12libmariadb\4_"
		"pid\00518515\17_client_version\0063.3.20\11_platfo"
		"rm\6x86_64\14_server_host\011127.0.0.1"),
	ANSWER("\15\0\0\2\0\0\0\2@\0\0\0\4\1\2\1t"),
	ASK("=\0\0\0\3create or replace table ps(i int pr"
		"imary key, s varchar(50))"),
	ANSWER("\7\0\0\1\0\0\0\2\0\0\0"),
	ASK(".\0\0\0\26insert into ps values (1,'a'),(2,'b"
		"'),(3,'c')"),
	ANSWER("\14\0\0\1\0\1\0\0\0\0\0\0\0\0\0\0"),
	ASK("\12\0\0\0\27\1\0\0\0\0\1\0\0\0"),
	ANSWER(".\0\0\1\0\3\0\2\0\0\0&Records: 3  Duplicates: 0  W"
		"arnings: 0"),
	ASK("\5\0\0\0\31\1\0\0\0\21\0\0\0\26select * from ps"),
	ANSWER("\14\0\0\1\0\2\0\0\0\2\0\0\0\0\0\0\36\0\0\2\3def\1t\2ps\2ps\1i\1i\0\14\77\0"
		"\13\0\0\0\3\3P\0\0\0\36\0\0\3\3def\1t\2ps\2ps\1s\1s\0\14-\0\310\0\0\0\375\0"
		"\0\0\0\0\5\0\0\4\376\0\0\2\0"),
	ASK("\12\0\0\0\27\2\0\0\0\0\1\0\0\0"),
	ANSWER("\2\0\0\1\2\0\5\0\0\2\376\0\0\"\0\10\0\0\3\0\0\1\0\0\0\1a\10\0\0\4\0\0\2\0\0\0\1b\10"
		"\0\0\5\0\0\3\0\0\0\1c\5\0\0\6\376\0\0\"\0"),
	ASK("\5\0\0\0\32\2\0\0\0"),
	ANSWER("\7\0\0\1\0\0\0\2\0\0\0"),
	ASK("\12\0\0\0\27\2\0\0\0\0\1\0\0\0"),
	ANSWER("\2\0\0\1\2\0\5\0\0\2\376\0\0\"\0\10\0\0\3\0\0\1\0\0\0\1a\10\0\0\4\0\0\2\0\0\0\1b\10"
		"\0\0\5\0\0\3\0\0\0\1c\5\0\0\6\376\0\0\"\0"),
	ASK("\5\0\0\0\31\2\0\0\0(\0\0\0\26select * from ps where i >"
		" \77 and s <> \77"),
	ANSWER("\14\0\0\1\0\3\0\0\0\2\0\2\0\0\0\0\30\0\0\2\3def\0\0\0\1\77\0\0\14\77\0\0\0\0\0\6\200"
		"\0\0\0\0\30\0\0\3\3def\0\0\0\1\77\0\0\14\77\0\0\0\0\0\6\200\0\0\0\0\5\0\0\4\376\0\0\2"
		"\0\36\0\0\5\3def\1t\2ps\2ps\1i\1i\0\14\77\0\13\0\0\0\3\3P\0\0\0\36\0\0\6\3"
		"def\1t\2ps\2ps\1s\1s\0\14-\0\310\0\0\0\375\0\0\0\0\0\5\0\0\7\376\0\0\2\0"),
	ASK("\5\0\0\0\31\3\0\0\0\6\0\0\0\26selec"),
	ANSWER("\242\0\0\1\377(\4#42000You have an error in your S"
		"QL syntax; check the manual that corresp"
		"onds to your MariaDB server version for "
		"the right syntax to use near 'selec' at "
		"line 1"),
	ASK("\21\0\0\0\26select * from ps"),
	ANSWER("\14\0\0\1\0\5\0\0\0\2\0\0\0\0\0\0\36\0\0\2\3def\1t\2ps\2ps\1i\1i\0\14\77\0"
		"\13\0\0\0\3\3P\0\0\0\36\0\0\3\3def\1t\2ps\2ps\1s\1s\0\14-\0\310\0\0\0\375\0"
		"\0\0\0\0\5\0\0\4\376\0\0\2\0"),
	ASK("\12\0\0\0\27\5\0\0\0\1\1\0\0\0"),
	ANSWER("\2\0\0\1\2\1\36\0\0\2\3def\1t\2ps\2ps\1i\1i\0\14\77\0\13\0\0\0\3\1\20\0\0\0"
		"\36\0\0\3\3def\1t\2ps\2ps\1s\1s\0\14-\0\310\0\0\0\375\0\0\0\0\0\5\0\0\4\376\0"
		"\0b\0"),
	ASK("\11\0\0\0\34\5\0\0\0\2\0\0\0"),
	ANSWER("\10\0\0\1\0\0\1\0\0\0\1a\10\0\0\2\0\0\2\0\0\0\1b\5\0\0\3\376\0\0B\0"),
	ASK("\11\0\0\0\34\5\0\0\0\2\0\0\0"),
	ANSWER("\10\0\0\1\0\0\3\0\0\0\1c\5\0\0\2\376\0\0\202\0"),
	ASK("\5\0\0\0\31\5\0\0\0\1\0\0\0\11"),
	ANSWER("t\0\0\1Uptime: 1074  Threads: 1  Questions:"
		" 140  Slow queries: 0  Opens: 71  Open t"
		"ables: 59  Queries per second avg: 0.130"),
	ASK("\1\0\0\0\16"),
	ANSWER("\7\0\0\1\0\0\0\2\0\0\0"),
	ASK("\2\0\0\0\2t"),
	ANSWER("\15\0\0\1\0\0\0\2@\0\0\0\4\1\2\1t"),
	ASK("\213\0\0\0\21e\0\0t\0-\0mysql_native_password\0l\3_os\5"
		"Linux\14_client_name\12libmariadb\4_pid\00518515"
		"\17_client_version\0063.3.20\11_platform\6x86_64"
		"\14_server_host\011127.0.0.1"),
	ANSWER(",\0\0\1\376mysql_native_password\0!~{n8h'%#\"|o:"
		"o@4$SYF\0"),
	ASK("\0\0\0\2"),
	ANSWER("\15\0\0\3\0\0\0\2@\0\0\0\4\1\2\1t"),
	ASK("\237\0\0\0\21u\0\24U\2203\355\325\20Te)\343\0&O\2H\301d\241\335ft\0-\0mysql_na"
		"tive_password\0l\3_os\5Linux\14_client_name\12l"
		"ibmariadb\4_pid\00518515\17_client_version\0063.3"
		".20\11_platform\6x86_64\14_server_host\011127.0."
		"0.1"),
	ANSWER(",\0\0\1\376mysql_native_password\0!~{n8h'%#\"|o:"
		"o@4$SYF\0"),
	ASK("\24\0\0\2U\2203\355\325\20Te)\343\0&O\2H\301d\241\335f"),
	ANSWER("\15\0\0\3\0\0\0\2@\0\0\0\4\1\2\1t"),
	ASK("\3\0\0\0\33\0\0"),
	ANSWER("\5\0\0\1\376\0\0\2\0"),
	ASK("\1\0\0\0\37"),
	ANSWER("\7\0\0\1\0\0\0\2\0\0\0"),
	ASK("\4\0\0\0\4ps\0"),
	ANSWER(" \0\0\1\3def\1t\2ps\2ps\1i\1i\0\14\77\0\13\0\0\0\3\3P\0\0\0\0010\37\0\0\2"
		"\3def\1t\2ps\2ps\1s\1s\0\14-\0\310\0\0\0\375\0\0\0\0\0\373\5\0\0\3\376\0\0\2\0"),
	ASK("\2\0\0\0\7\4"),
	ANSWER("\7\0\0\1\0\0\0\2\0\0\0"),
	ASK("\10\0\0\0\4nosuch\0"),
	ANSWER("'\0\0\1\377z\4#42S02Table 't.nosuch' doesn't ex"
		"ist"),
	ASK("\1\0\0\0\15"),
	ANSWER("\5\0\0\1\376\0\0\2\0"),
	ASK("\1\0\0\0\12"),
	ANSWER("\2\0\0\1\11\1\31\0\0\2\3def\0\0\0\2Id\0\0\14\77\0\13\0\0\0\10\201\0\0\0\0\33\0\0\3\3"
		"def\0\0\0\4User\0\0\14-\0\0\2\0\0\375\1\0'\0\0\33\0\0\4\3def\0\0\0\4Ho"
		"st\0\0\14-\0\0\1\0\0\375\1\0'\0\0\31\0\0\5\3def\0\0\0\2db\0\0\14-\0\0\1\0\0"
		"\375\0\0'\0\0\36\0\0\6\3def\0\0\0\7Command\0\0\14-\0@\0\0\0\375\1\0'\0\0"
		"\33\0\0\7\3def\0\0\0\4Time\0\0\14\77\0\7\0\0\0\3\201\0\0\0\0\34\0\0\10\3def\0"
		"\0\0\5State\0\0\14-\0x\0\0\0\375\0\0'\0\0\33\0\0\11\3def\0\0\0\4Info\0"
		"\0\14-\0\220\1\0\0\375\0\0'\0\0\37\0\0\12\3def\0\0\0\10Progress\0\0\14\77\0\7"
		"\0\0\0\5\201\0\3\0\0\5\0\0\13\376\0\0\2\0005\0\0\14\00217\1u\17localhost:38"
		"838\1t\13Processlist\0010\10starting\373\0050.000\5\0\0\15\376"
		"\0\0\2\0"),
	ASK("\11\0\0\0\3select 1"),
	ANSWER("\2\0\0\1\1\1\30\0\0\2\3def\0\0\0\0011\0\0\14\77\0\1\0\0\0\3\201\0\0\0\0\5\0\0\3\376\0"
		"\0\2\0\2\0\0\4\0011\5\0\0\5\376\0\0\2\0"),
	ASK("\237\0\0\0\21e\0\24\267<\250@\234\236N\2\343d\321\352\316\254,\2444\305\232\22t\0-\0mysql_na"
		"tive_password\0l\3_os\5Linux\14_client_name\12l"
		"ibmariadb\4_pid\00518515\17_client_version\0063.3"
		".20\11_platform\6x86_64\14_server_host\011127.0."
		"0.1"),
	ANSWER(",\0\0\1\376mysql_native_password\0!~{n8h'%#\"|o:"
		"o@4$SYF\0"),
	ASK("\24\0\0\2\267<\250@\234\236N\2\343d\321\352\316\254,\2444\305\232\22"),
	ANSWER("E\0\0\3\377\25\4#28000Access denied for user 'e'@"
		"'localhost' (using password: YES)"),
	ASK("\1\0\0\0\1"),
};

static const struct line mysql_eof_statements[] = {
	ANSWER("d\0\0\0\0125.5.5-10.11.19-MariaDB-0+deb12u1\0\36\0"
		"\0\0|hs+x<aU\0\376\367\10\2\0\377\201\25\0\0\0\0\0\0\35\0\0\0ct\77{m4X=ixB"
		"}\0mysql_native_password\0"),
	ASK(";\0\0\1\15\242\17\0\0\0\0\1-\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0e\0\0t"
		"\0mysql_native_password\0"),
	ANSWER("\7\0\0\2\0\0\0\2\0\0\0"),
	ASK("\20\0\0\0\3select * from r"),
	ANSWER("\1\0\0\1\2\33\0\0\2\3def\1t\1r\1r\1i\1i\14\77\0\13\0\0\0\3\3P\0\0\0\33\0\0\3"
		"\3def\1t\1r\1r\1s\1s\14-\0x\0\0\0\375\0\0\0\0\0\5\0\0\4\376\0\0\"\0\4\0\0\5"
		"\0011\1a\4\0\0\6\0012\1b\3\0\0\7\0013\373\5\0\0\10\376\0\0\"\0"),
	ASK("\33\0\0\0\3select * from r where i=77"),
	ANSWER("\1\0\0\1\2\33\0\0\2\3def\1t\1r\1r\1i\1i\14\77\0\13\0\0\0\3\3P\0\0\0\33\0\0\3"
		"\3def\1t\1r\1r\1s\1s\14-\0x\0\0\0\375\0\0\0\0\0\5\0\0\4\376\0\0\2\0\5\0\0\5"
		"\376\0\0\2\0"),
	ASK("\22\0\0\0\3start transaction"),
	ANSWER("\7\0\0\1\0\0\0\3\0\0\0"),
	ASK("\23\0\0\0\3update r set s=\"q\""),
	ANSWER("0\0\0\1\0\3\0#\0\0\0(Rows matched: 3  Changed: 3 "
		" Warnings: 0"),
	ASK("\7\0\0\0\3commit"),
	ANSWER("\7\0\0\1\0\0\0\2\0\0\0"),
	ASK("\20\0\0\0\26select * from r"),
	ANSWER("\14\0\0\1\0 \0\0\0\2\0\0\0\0\0\0\33\0\0\2\3def\1t\1r\1r\1i\1i\14\77\0\13\0\0"
		"\0\3\3P\0\0\0\33\0\0\3\3def\1t\1r\1r\1s\1s\14-\0x\0\0\0\375\0\0\0\0\0\5\0"
		"\0\4\376\0\0\2\0"),
	ASK("\12\0\0\0\27 \0\0\0\0\1\0\0\0"),
	ANSWER("\1\0\0\1\2\33\0\0\2\3def\1t\1r\1r\1i\1i\14\77\0\13\0\0\0\3\3P\0\0\0\33\0\0\3"
		"\3def\1t\1r\1r\1s\1s\14-\0x\0\0\0\375\0\0\0\0\0\5\0\0\4\376\0\0\"\0\10\0\0\5"
		"\0\0\1\0\0\0\1q\10\0\0\6\0\0\2\0\0\0\1q\10\0\0\7\0\0\3\0\0\0\1q\5\0\0\10\376\0\0\""
		"\0"),
	ASK("\12\0\0\0\27 \0\0\0\0\1\0\0\0"),
	ANSWER("\1\0\0\1\2\33\0\0\2\3def\1t\1r\1r\1i\1i\14\77\0\13\0\0\0\3\3P\0\0\0\33\0\0\3"
		"\3def\1t\1r\1r\1s\1s\14-\0x\0\0\0\375\0\0\0\0\0\5\0\0\4\376\0\0\"\0\10\0\0\5"
		"\0\0\1\0\0\0\1q\10\0\0\6\0\0\2\0\0\0\1q\10\0\0\7\0\0\3\0\0\0\1q\5\0\0\10\376\0\0\""
		"\0"),
	ASK("\12\0\0\0\27 \0\0\0\1\1\0\0\0"),
	ANSWER("\1\0\0\1\2\33\0\0\2\3def\1t\1r\1r\1i\1i\14\77\0\13\0\0\0\3\1\20\0\0\0\33\0\0\3"
		"\3def\1t\1r\1r\1s\1s\14-\0x\0\0\0\375\0\0\0\0\0\5\0\0\4\376\0\0b\0"),
	ASK("\11\0\0\0\34 \0\0\0\2\0\0\0"),
	ANSWER("\10\0\0\1\0\0\1\0\0\0\1q\10\0\0\2\0\0\2\0\0\0\1q\5\0\0\3\376\0\0B\0"),
	ASK("\11\0\0\0\34 \0\0\0\2\0\0\0"),
	ANSWER("\10\0\0\1\0\0\3\0\0\0\1q\5\0\0\2\376\0\0\202\0"),
	ASK("\5\0\0\0\32 \0\0\0"),
	ANSWER("\7\0\0\1\0\0\0\2\0\0\0"),
	ASK("\5\0\0\0\31 \0\0\0&\0\0\0\26select * from r where i > "
		"\77 and s < \77"),
	ANSWER("\14\0\0\1\0!\0\0\0\2\0\2\0\0\0\0\27\0\0\2\3def\0\0\0\1\77\0\14\77\0\0\0\0\0\6\200\0"
		"\0\0\0\27\0\0\3\3def\0\0\0\1\77\0\14\77\0\0\0\0\0\6\200\0\0\0\0\5\0\0\4\376\0\0\2\0\33"
		"\0\0\5\3def\1t\1r\1r\1i\1i\14\77\0\13\0\0\0\3\3P\0\0\0\33\0\0\6\3def\1t"
		"\1r\1r\1s\1s\14-\0x\0\0\0\375\0\0\0\0\0\5\0\0\7\376\0\0\2\0"),
	ASK("\26\0\0\0\27!\0\0\0\0\1\0\0\0\0\1\3\0\376\0\0\0\0\0\1z"),
	ANSWER("\1\0\0\1\2\33\0\0\2\3def\1t\1r\1r\1i\1i\14\77\0\13\0\0\0\3\3P\0\0\0\33\0\0\3"
		"\3def\1t\1r\1r\1s\1s\14-\0x\0\0\0\375\0\0\0\0\0\5\0\0\4\376\0\0\2\0\10\0\0\5"
		"\0\0\1\0\0\0\1q\10\0\0\6\0\0\2\0\0\0\1q\10\0\0\7\0\0\3\0\0\0\1q\5\0\0\10\376\0\0\2"
		"\0"),
	ASK("\33\0\0\0\26insert into r values (\77,\77)"),
	ANSWER("\14\0\0\1\0\"\0\0\0\0\0\2\0\0\0\0\27\0\0\2\3def\0\0\0\1\77\0\14\77\0\0\0\0\0\6\200\0"
		"\0\0\0\27\0\0\3\3def\0\0\0\1\77\0\14\77\0\0\0\0\0\6\200\0\0\0\0\5\0\0\4\376\0\0\2\0"),
	ASK("\12\0\0\0\30\"\0\0\0\1\0abc\24\0\0\0\27\"\0\0\0\0\1\0\0\0\0\1\3\0\376\0\11\0\0\0"),
	ANSWER("\7\0\0\1\0\1\0\2\0\0\0"),
	ASK("\5\0\0\0\26do 1"),
	ANSWER("\14\0\0\1\0#\0\0\0\0\0\0\0\0\0\0"),
	ASK("\12\0\0\0\27#\0\0\0\0\1\0\0\0"),
	ANSWER("\7\0\0\1\0\0\0\2\0\0\0"),
	ASK("\12\0\0\0\27\347\3\0\0\0\1\0\0\0"),
	ANSWER("N\0\0\1\377\333\4#HY000Unknown prepared statement "
		"handler (999) given to mysqld_stmt_execu"
		"te"),
	ASK("\6\0\0\0\26bogus"),
	ANSWER("\242\0\0\1\377(\4#42000You have an error in your S"
		"QL syntax; check the manual that corresp"
		"onds to your MariaDB server version for "
		"the right syntax to use near 'bogus' at "
		"line 1"),
	ASK("\3\0\0\0\4r\0"),
	ANSWER("\35\0\0\1\3def\1t\1r\1r\1i\1i\14\77\0\13\0\0\0\3\3P\0\0\0\0010\34\0\0\2\3de"
		"f\1t\1r\1r\1s\1s\14-\0x\0\0\0\375\0\0\0\0\0\373\5\0\0\3\376\0\0\2\0"),
	ASK("\1\0\0\0\11"),
	ANSWER("u\0\0\1Uptime: 1276  Threads: 1  Questions:"
		" 477  Slow queries: 0  Opens: 131  Open "
		"tables: 51  Queries per second avg: 0.37"
		"3"),
	ASK("\1\0\0\0\16"),
	ANSWER("\7\0\0\1\0\0\0\2\0\0\0"),
	ASK("\3\0\0\0\33\0\0"),
	ANSWER("\5\0\0\1\376\0\0\2\0"),
	ASK("\23\0\0\0\3select 1; select 2"),
	ANSWER("\1\0\0\1\1\27\0\0\2\3def\0\0\0\0011\0\14\77\0\1\0\0\0\3\201\0\0\0\0\5\0\0\3\376\0\0\12"
		"\0\2\0\0\4\0011\5\0\0\5\376\0\0\12\0\1\0\0\6\1\27\0\0\7\3def\0\0\0\0012\0\14\77\0\1\0"
		"\0\0\3\201\0\0\0\0\5\0\0\10\376\0\0\2\0\2\0\0\11\0012\5\0\0\12\376\0\0\2\0"),
	ASK("\3\0\0\0\33\1\0"),
	ANSWER("\5\0\0\1\376\0\0\2\0"),
	ASK("\11\0\0\0\3select 1"),
	ANSWER("\1\0\0\1\1\27\0\0\2\3def\0\0\0\0011\0\14\77\0\1\0\0\0\3\201\0\0\0\0\5\0\0\3\376\0\0\2"
		"\0\2\0\0\4\0011\5\0\0\5\376\0\0\2\0"),
};

static const struct line mysql_eof_pipeline[] = {
	ANSWER("d\0\0\0\0125.5.5-10.11.19-MariaDB-0+deb12u1\0\36\0"
		"\0\0|hs+x<aU\0\376\367\10\2\0\377\201\25\0\0\0\0\0\0\35\0\0\0ct\77{m4X=ixB"
		"}\0mysql_native_password\0"),
	ASK(";\0\0\1\15\242\17\0\0\0\0\1-\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0e\0\0t"
		"\0mysql_native_password\0"),
	ANSWER("\7\0\0\2\0\0\0\2\0\0\0"),
	ASK("\36\0\0\0\21e\0\0t\0-\0mysql_native_password\0"),
	ANSWER(",\0\0\1\376mysql_native_password\0|hs+x<aUct\77{m"
		"4X=ixB}\0"),
	ASK("\0\0\0\2"),
	ANSWER("\7\0\0\3\0\0\0\2\0\0\0"),
	ASK("\1\0\0\0\16"),
	ANSWER("\7\0\0\1\0\0\0\2\0\0\0"),
	ASK("\11\0\0\0\3select 1\6\0\0\0\3selec\1\0\0\0\16\20\0\0\0\3select "
		"* from r\11\0\0\0\26select 2\12\0\0\0\27\377\377\377\377\0\1\0\0\0"),
	ANSWER("\1\0\0\1\1\27\0\0\2\3def\0\0\0\0011\0\14\77\0\1\0\0\0\3\201\0\0\0\0\5\0\0\3\376\0\0\2"
		"\0\2\0\0\4\0011\5\0\0\5\376\0\0\2\0\242\0\0\1\377(\4#42000You have an"
		" error in your SQL syntax; check the man"
		"ual that corresponds to your MariaDB ser"
		"ver version for the right syntax to use "
		"near 'selec' at line 1\7\0\0\1\0\0\0\2\0\0\0\1\0\0\1\2\33\0"
		"\0\2\3def\1t\1r\1r\1i\1i\14\77\0\13\0\0\0\3\3P\0\0\0\33\0\0\3\3def\1t\1"
		"r\1r\1s\1s\14-\0x\0\0\0\375\0\0\0\0\0\5\0\0\4\376\0\0\"\0\4\0\0\5\0011\1q\4\0\0"
		"\6\0012\1q\4\0\0\7\0013\1q\6\0\0\10\19\3abc\5\0\0\11\376\0\0\"\0\14\0\0\1\0%\0\0"
		"\0\1\0\0\0\0\0\0\27\0\0\2\3def\0\0\0\0012\0\14\77\0\1\0\0\0\3\201\0\0\0\0\5\0\0\3\376"
		"\0\0\2\0\1\0\0\1\1\27\0\0\2\3def\0\0\0\0012\0\14\77\0\1\0\0\0\3\201\0\0\0\0\5\0\0\3"
		"\376\0\0\2\0\6\0\0\4\0\0\2\0\0\0\5\0\0\5\376\0\0\2\0"),
};

static const struct line mysql_eof_procedure[] = {
	ANSWER("d\0\0\0\0125.5.5-10.11.19-MariaDB-0+deb12u1\0\36\0"
		"\0\0|hs+x<aU\0\376\367\10\2\0\377\201\25\0\0\0\0\0\0\35\0\0\0ct\77{m4X=ixB"
		"}\0mysql_native_password\0"),
	ASK(";\0\0\1\15\242\17\0\0\0\0\1-\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0e\0\0t"
		"\0mysql_native_password\0"),
	ANSWER("\7\0\0\2\0\0\0\2\0\0\0"),
	ASK("\12\0\0\0\3call pp()"),
	ANSWER("\1\0\0\1\1\27\0\0\2\3def\0\0\0\0011\0\14\77\0\1\0\0\0\3\201\0\0\0\0\5\0\0\3\376\0\0\12"
		"\0\2\0\0\4\0011\5\0\0\5\376\0\0\12\0\1\0\0\6\1\33\0\0\7\3def\1t\1r\1r\1i\1i\14"
		"\77\0\13\0\0\0\3\3P\0\0\0\5\0\0\10\376\0\0*\0\2\0\0\11\0011\2\0\0\12\0012\2\0\0\13\0013\2"
		"\0\0\14\19\5\0\0\15\376\0\0*\0\1\0\0\16\1\27\0\0\17\3def\0\0\0\0012\0\14\77\0\1\0\0\0"
		"\3\201\0\0\0\0\5\0\0\20\376\0\0*\0\2\0\0\21\0012\5\0\0\22\376\0\0*\0\7\0\0\23\0\0\0\"\0\0"
		"\0"),
	ASK("\12\0\0\0\26call pp()"),
	ANSWER("\14\0\0\1\0&\0\0\0\0\0\0\0\0\0\0"),
	ASK("\12\0\0\0\27&\0\0\0\0\1\0\0\0"),
	ANSWER("\1\0\0\1\1\27\0\0\2\3def\0\0\0\0011\0\14\77\0\1\0\0\0\3\201\0\0\0\0\5\0\0\3\376\0\0\12"
		"\0\6\0\0\4\0\0\1\0\0\0\5\0\0\5\376\0\0\12\0\1\0\0\6\1\33\0\0\7\3def\1t\1r\1r\1"
		"i\1i\14\77\0\13\0\0\0\3\3P\0\0\0\5\0\0\10\376\0\0*\0\6\0\0\11\0\0\1\0\0\0\6\0\0\12\0"
		"\0\2\0\0\0\6\0\0\13\0\0\3\0\0\0\6\0\0\14\0\0\11\0\0\0\5\0\0\15\376\0\0*\0\1\0\0\16\1\27"
		"\0\0\17\3def\0\0\0\0012\0\14\77\0\1\0\0\0\3\201\0\0\0\0\5\0\0\20\376\0\0*\0\6\0\0\21\0"
		"\0\2\0\0\0\5\0\0\22\376\0\0*\0\7\0\0\23\0\0\0\"\0\0\0"),
	ASK("\26\0\0\0\3select benchmark(1,1)\1\0\0\0\1"),
	ANSWER("\1\0\0\1\1$\0\0\2\3def\0\0\0\16benchmark(1,1)\0\14\77\0\1\0\0\0\3"
		"\201\0\0\0\0\5\0\0\3\376\0\0\2\0\2\0\0\4\0010\5\0\0\5\376\0\0\2\0"),
};

static const struct line mysql_bare_statements[] = {
	ANSWER("d\0\0\0\0125.5.5-10.11.19-MariaDB-0+deb12u1\0\37\0"
		"\0\0]%=BuF>C\0\376\367\10\2\0\377\201\25\0\0\0\0\0\0\35\0\0\0wLVJQ7`_:E*"
		"A\0mysql_native_password\0"),
	ASK(";\0\0\1\15\242\17\1\0\0\0\1-\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0e\0\0t"
		"\0mysql_native_password\0"),
	ANSWER("\7\0\0\2\0\0\0\2\0\0\0"),
	ASK("\20\0\0\0\3select * from r"),
	ANSWER("\1\0\0\1\2\33\0\0\2\3def\1t\1r\1r\1i\1i\14\77\0\13\0\0\0\3\3P\0\0\0\33\0\0\3"
		"\3def\1t\1r\1r\1s\1s\14-\0x\0\0\0\375\0\0\0\0\0\4\0\0\4\0011\1a\4\0\0\5\1"
		"2\1b\3\0\0\6\0013\373\7\0\0\7\376\0\0\"\0\0\0"),
	ASK("\33\0\0\0\3select * from r where i=77"),
	ANSWER("\1\0\0\1\2\33\0\0\2\3def\1t\1r\1r\1i\1i\14\77\0\13\0\0\0\3\3P\0\0\0\33\0\0\3"
		"\3def\1t\1r\1r\1s\1s\14-\0x\0\0\0\375\0\0\0\0\0\7\0\0\4\376\0\0\2\0\0\0"),
	ASK("\22\0\0\0\3start transaction"),
	ANSWER("\7\0\0\1\0\0\0\3\0\0\0"),
	ASK("\23\0\0\0\3update r set s=\"q\""),
	ANSWER("0\0\0\1\0\3\0#\0\0\0(Rows matched: 3  Changed: 3 "
		" Warnings: 0"),
	ASK("\7\0\0\0\3commit"),
	ANSWER("\7\0\0\1\0\0\0\2\0\0\0"),
	ASK("\20\0\0\0\26select * from r"),
	ANSWER("\14\0\0\1\0'\0\0\0\2\0\0\0\0\0\0\33\0\0\2\3def\1t\1r\1r\1i\1i\14\77\0\13\0\0"
		"\0\3\3P\0\0\0\33\0\0\3\3def\1t\1r\1r\1s\1s\14-\0x\0\0\0\375\0\0\0\0\0"),
	ASK("\12\0\0\0\27'\0\0\0\0\1\0\0\0"),
	ANSWER("\1\0\0\1\2\33\0\0\2\3def\1t\1r\1r\1i\1i\14\77\0\13\0\0\0\3\3P\0\0\0\33\0\0\3"
		"\3def\1t\1r\1r\1s\1s\14-\0x\0\0\0\375\0\0\0\0\0\10\0\0\4\0\0\1\0\0\0\1q\10"
		"\0\0\5\0\0\2\0\0\0\1q\10\0\0\6\0\0\3\0\0\0\1q\7\0\0\7\376\0\0\"\0\0\0"),
	ASK("\12\0\0\0\27'\0\0\0\0\1\0\0\0"),
	ANSWER("\1\0\0\1\2\33\0\0\2\3def\1t\1r\1r\1i\1i\14\77\0\13\0\0\0\3\3P\0\0\0\33\0\0\3"
		"\3def\1t\1r\1r\1s\1s\14-\0x\0\0\0\375\0\0\0\0\0\10\0\0\4\0\0\1\0\0\0\1q\10"
		"\0\0\5\0\0\2\0\0\0\1q\10\0\0\6\0\0\3\0\0\0\1q\7\0\0\7\376\0\0\"\0\0\0"),
	ASK("\12\0\0\0\27'\0\0\0\1\1\0\0\0"),
	ANSWER("\1\0\0\1\2\33\0\0\2\3def\1t\1r\1r\1i\1i\14\77\0\13\0\0\0\3\1\20\0\0\0\33\0\0\3"
		"\3def\1t\1r\1r\1s\1s\14-\0x\0\0\0\375\0\0\0\0\0\7\0\0\4\376\0\0b\0\0\0"),
	ASK("\11\0\0\0\34'\0\0\0\2\0\0\0"),
	ANSWER("\10\0\0\1\0\0\1\0\0\0\1q\10\0\0\2\0\0\2\0\0\0\1q\7\0\0\3\376\0\0B\0\0\0"),
	ASK("\11\0\0\0\34'\0\0\0\2\0\0\0"),
	ANSWER("\10\0\0\1\0\0\3\0\0\0\1q\7\0\0\2\376\0\0\202\0\0\0"),
	ASK("\5\0\0\0\32'\0\0\0"),
	ANSWER("\7\0\0\1\0\0\0\2\0\0\0"),
	ASK("\5\0\0\0\31'\0\0\0&\0\0\0\26select * from r where i > "
		"\77 and s < \77"),
	ANSWER("\14\0\0\1\0(\0\0\0\2\0\2\0\0\0\0\27\0\0\2\3def\0\0\0\1\77\0\14\77\0\0\0\0\0\6\200\0"
		"\0\0\0\27\0\0\3\3def\0\0\0\1\77\0\14\77\0\0\0\0\0\6\200\0\0\0\0\33\0\0\4\3def\1t"
		"\1r\1r\1i\1i\14\77\0\13\0\0\0\3\3P\0\0\0\33\0\0\5\3def\1t\1r\1r\1s\1s\14"
		"-\0x\0\0\0\375\0\0\0\0\0"),
	ASK("\26\0\0\0\27(\0\0\0\0\1\0\0\0\0\1\3\0\376\0\0\0\0\0\1z"),
	ANSWER("\1\0\0\1\2\33\0\0\2\3def\1t\1r\1r\1i\1i\14\77\0\13\0\0\0\3\3P\0\0\0\33\0\0\3"
		"\3def\1t\1r\1r\1s\1s\14-\0x\0\0\0\375\0\0\0\0\0\10\0\0\4\0\0\1\0\0\0\1q\10"
		"\0\0\5\0\0\2\0\0\0\1q\10\0\0\6\0\0\3\0\0\0\1q\7\0\0\7\376\0\0\2\0\0\0"),
	ASK("\33\0\0\0\26insert into r values (\77,\77)"),
	ANSWER("\14\0\0\1\0)\0\0\0\0\0\2\0\0\0\0\27\0\0\2\3def\0\0\0\1\77\0\14\77\0\0\0\0\0\6\200\0"
		"\0\0\0\27\0\0\3\3def\0\0\0\1\77\0\14\77\0\0\0\0\0\6\200\0\0\0\0"),
	ASK("\12\0\0\0\30)\0\0\0\1\0abc\24\0\0\0\27)\0\0\0\0\1\0\0\0\0\1\3\0\376\0\11\0\0\0"),
	ANSWER("\7\0\0\1\0\1\0\2\0\0\0"),
	ASK("\5\0\0\0\26do 1"),
	ANSWER("\14\0\0\1\0*\0\0\0\0\0\0\0\0\0\0"),
	ASK("\12\0\0\0\27*\0\0\0\0\1\0\0\0"),
	ANSWER("\7\0\0\1\0\0\0\2\0\0\0"),
	ASK("\12\0\0\0\27\347\3\0\0\0\1\0\0\0"),
	ANSWER("N\0\0\1\377\333\4#HY000Unknown prepared statement "
		"handler (999) given to mysqld_stmt_execu"
		"te"),
	ASK("\6\0\0\0\26bogus"),
	ANSWER("\242\0\0\1\377(\4#42000You have an error in your S"
		"QL syntax; check the manual that corresp"
		"onds to your MariaDB server version for "
		"the right syntax to use near 'bogus' at "
		"line 1"),
	ASK("\3\0\0\0\4r\0"),
	ANSWER("\35\0\0\1\3def\1t\1r\1r\1i\1i\14\77\0\13\0\0\0\3\3P\0\0\0\0010\34\0\0\2\3de"
		"f\1t\1r\1r\1s\1s\14-\0x\0\0\0\375\0\0\0\0\0\373\7\0\0\3\376\0\0\2\0\0\0"),
	ASK("\1\0\0\0\11"),
	ANSWER("u\0\0\1Uptime: 1284  Threads: 1  Questions:"
		" 529  Slow queries: 0  Opens: 132  Open "
		"tables: 51  Queries per second avg: 0.41"
		"1"),
	ASK("\1\0\0\0\16"),
	ANSWER("\7\0\0\1\0\0\0\2\0\0\0"),
	ASK("\3\0\0\0\33\0\0"),
	ANSWER("\7\0\0\1\376\0\0\2\0\0\0"),
	ASK("\23\0\0\0\3select 1; select 2"),
	ANSWER("\1\0\0\1\1\27\0\0\2\3def\0\0\0\0011\0\14\77\0\1\0\0\0\3\201\0\0\0\0\2\0\0\3\0011\7\0"
		"\0\4\376\0\0\12\0\0\0\1\0\0\5\1\27\0\0\6\3def\0\0\0\0012\0\14\77\0\1\0\0\0\3\201\0\0\0"
		"\0\2\0\0\7\0012\7\0\0\10\376\0\0\2\0\0\0"),
	ASK("\3\0\0\0\33\1\0"),
	ANSWER("\7\0\0\1\376\0\0\2\0\0\0"),
	ASK("\11\0\0\0\3select 1"),
	ANSWER("\1\0\0\1\1\27\0\0\2\3def\0\0\0\0011\0\14\77\0\1\0\0\0\3\201\0\0\0\0\2\0\0\3\0011\7\0"
		"\0\4\376\0\0\2\0\0\0"),
};

static const struct line mysql_bare_pipeline[] = {
	ANSWER("d\0\0\0\0125.5.5-10.11.19-MariaDB-0+deb12u1\0\37\0"
		"\0\0]%=BuF>C\0\376\367\10\2\0\377\201\25\0\0\0\0\0\0\35\0\0\0wLVJQ7`_:E*"
		"A\0mysql_native_password\0"),
	ASK(";\0\0\1\15\242\17\1\0\0\0\1-\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0e\0\0t"
		"\0mysql_native_password\0"),
	ANSWER("\7\0\0\2\0\0\0\2\0\0\0"),
	ASK("\36\0\0\0\21e\0\0t\0-\0mysql_native_password\0"),
	ANSWER(",\0\0\1\376mysql_native_password\0]%=BuF>CwLVJQ"
		"7`_:E*A\0"),
	ASK("\0\0\0\2"),
	ANSWER("\7\0\0\3\0\0\0\2\0\0\0"),
	ASK("\1\0\0\0\16"),
	ANSWER("\7\0\0\1\0\0\0\2\0\0\0"),
	ASK("\11\0\0\0\3select 1\6\0\0\0\3selec\1\0\0\0\16\20\0\0\0\3select "
		"* from r\11\0\0\0\26select 2\12\0\0\0\27\377\377\377\377\0\1\0\0\0"),
	ANSWER("\1\0\0\1\1\27\0\0\2\3def\0\0\0\0011\0\14\77\0\1\0\0\0\3\201\0\0\0\0\2\0\0\3\0011\7\0"
		"\0\4\376\0\0\2\0\0\0\242\0\0\1\377(\4#42000You have an error "
		"in your SQL syntax; check the manual tha"
		"t corresponds to your MariaDB server ver"
		"sion for the right syntax to use near 's"
		"elec' at line 1\7\0\0\1\0\0\0\2\0\0\0\1\0\0\1\2\33\0\0\2\3def\1"
		"t\1r\1r\1i\1i\14\77\0\13\0\0\0\3\3P\0\0\0\33\0\0\3\3def\1t\1r\1r\1s\1s"
		"\14-\0x\0\0\0\375\0\0\0\0\0\4\0\0\4\0011\1q\4\0\0\5\0012\1q\4\0\0\6\0013\1q\6\0\0"
		"\7\19\3abc\7\0\0\10\376\0\0\"\0\0\0\14\0\0\1\0,\0\0\0\1\0\0\0\0\0\0\27\0\0\2\3d"
		"ef\0\0\0\0012\0\14\77\0\1\0\0\0\3\201\0\0\0\0\1\0\0\1\1\27\0\0\2\3def\0\0\0\0012\0"
		"\14\77\0\1\0\0\0\3\201\0\0\0\0\6\0\0\3\0\0\2\0\0\0\7\0\0\4\376\0\0\2\0\0\0"),
};

static const struct line mysql_bare_procedure[] = {
	ANSWER("d\0\0\0\0125.5.5-10.11.19-MariaDB-0+deb12u1\0\37\0"
		"\0\0]%=BuF>C\0\376\367\10\2\0\377\201\25\0\0\0\0\0\0\35\0\0\0wLVJQ7`_:E*"
		"A\0mysql_native_password\0"),
	ASK(";\0\0\1\15\242\17\1\0\0\0\1-\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0e\0\0t"
		"\0mysql_native_password\0"),
	ANSWER("\7\0\0\2\0\0\0\2\0\0\0"),
	ASK("\12\0\0\0\3call pp()"),
	ANSWER("\1\0\0\1\1\27\0\0\2\3def\0\0\0\0011\0\14\77\0\1\0\0\0\3\201\0\0\0\0\2\0\0\3\0011\7\0"
		"\0\4\376\0\0\12\0\0\0\1\0\0\5\1\33\0\0\6\3def\1t\1r\1r\1i\1i\14\77\0\13\0\0\0\3"
		"\3P\0\0\0\2\0\0\7\0011\2\0\0\10\0012\2\0\0\11\0013\2\0\0\12\19\7\0\0\13\376\0\0*\0\0\0"
		"\1\0\0\14\1\27\0\0\15\3def\0\0\0\0012\0\14\77\0\1\0\0\0\3\201\0\0\0\0\2\0\0\16\0012\7\0"
		"\0\17\376\0\0*\0\0\0\7\0\0\20\0\0\0\"\0\0\0"),
	ASK("\12\0\0\0\26call pp()"),
	ANSWER("\14\0\0\1\0-\0\0\0\0\0\0\0\0\0\0"),
	ASK("\12\0\0\0\27-\0\0\0\0\1\0\0\0"),
	ANSWER("\1\0\0\1\1\27\0\0\2\3def\0\0\0\0011\0\14\77\0\1\0\0\0\3\201\0\0\0\0\6\0\0\3\0\0\1\0"
		"\0\0\7\0\0\4\376\0\0\12\0\0\0\1\0\0\5\1\33\0\0\6\3def\1t\1r\1r\1i\1i\14\77\0\13"
		"\0\0\0\3\3P\0\0\0\6\0\0\7\0\0\1\0\0\0\6\0\0\10\0\0\2\0\0\0\6\0\0\11\0\0\3\0\0\0\6"
		"\0\0\12\0\0\11\0\0\0\7\0\0\13\376\0\0*\0\0\0\1\0\0\14\1\27\0\0\15\3def\0\0\0\0012\0\14"
		"\77\0\1\0\0\0\3\201\0\0\0\0\6\0\0\16\0\0\2\0\0\0\7\0\0\17\376\0\0*\0\0\0\7\0\0\20\0\0\0"
		"\"\0\0\0"),
	ASK("\26\0\0\0\3select benchmark(1,1)\1\0\0\0\1"),
	ANSWER("\1\0\0\1\1$\0\0\2\3def\0\0\0\16benchmark(1,1)\0\14\77\0\1\0\0\0\3"
		"\201\0\0\0\0\2\0\0\3\0010\7\0\0\4\376\0\0\2\0\0\0"),
};

static const struct line mysql_progress[] = {
	ANSWER("d\0\0\0\0125.5.5-10.11.19-MariaDB-0+deb12u1\0#\0"
		"\0\0nEO\77*TIP\0\376\367\10\2\0\377\201\25\0\0\0\0\0\0\35\0\0\0005X;^H,AEu=q"
		"B\0mysql_native_password\0"),
	ASK(";\0\0\1\14\242\17\1\0\0\0\1-\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0e\0\0t"
		"\0mysql_native_password\0"),
	ANSWER("\7\0\0\2\0\0\0\2\0\0\0"),
	ASK("=\0\0\0\3alter table big add column c int, a"
		"dd key(b), algorithm=copy"),
	ANSWER("\33\0\0\1\377\377\377\1\1\2\320\7\0\21copy to tmp table\27\0\0\2\377\377\377\1\2"
		"\2\0\0\0\15Enabling keys\33\0\0\3\377\377\377\1\2\2=\234\0\21Repair b"
		"y sorting\33\0\0\4\377\377\377\1\2\2\240\206\1\21Repair by sorting"
		"6\0\0\5\0\375 \241\7\0\2\10\0\0+Records: 500000  Duplicat"
		"es: 0  Warnings: 0"),
	ASK("\17\0\0\0\3drop table big"),
	ANSWER("\7\0\0\1\0\0\0\2\0\0\0"),
};

/* clang-format on */

static const struct {
	const char *what;
	const struct line *lines;
	size_t n;
	const char *operations;
} mysql_vectors[] = {
	{"the mariadb client", mysql_mariadb, sizeof(mysql_mariadb) / sizeof(mysql_mariadb[0]),
	 "create delete insert select select! quit"},
	{"a wrong password", mysql_refused, sizeof(mysql_refused) / sizeof(mysql_refused[0]), ""},
	{"mariadb-admin", mysql_admin, sizeof(mysql_admin) / sizeof(mysql_admin[0]), "ping statistics show quit"},
	{"mysqlslap, INSERT and quit", mysql_slap, sizeof(mysql_slap) / sizeof(mysql_slap[0]), "insert insert quit"},
	{"PyMySQL", mysql_pymysql, sizeof(mysql_pymysql) / sizeof(mysql_pymysql[0]), "set set quit"},
	{"a procedure with results, and several statements of which one fails", mysql_procedure,
	 sizeof(mysql_procedure) / sizeof(mysql_procedure[0]), "create call select select select select! quit"},
	{"a client that compresses", mysql_compressed, sizeof(mysql_compressed) / sizeof(mysql_compressed[0]), ""},
	{"prepared statements of Connector/C, with a cursor", mysql_connector,
	 sizeof(mysql_connector) / sizeof(mysql_connector[0]),
	 "create stmt_prepare stmt_execute stmt_close stmt_prepare stmt_execute stmt_reset stmt_execute stmt_close "
	 "stmt_prepare stmt_close stmt_prepare! stmt_prepare stmt_execute stmt_fetch stmt_fetch stmt_close "
	 "statistics ping init_db change_user change_user set_option reset_connection field_list refresh field_list! "
	 "debug other select change_user! quit"},
	{"commands with EOF packets", mysql_eof_statements,
	 sizeof(mysql_eof_statements) / sizeof(mysql_eof_statements[0]),
	 "select select start update commit stmt_prepare stmt_execute stmt_execute stmt_execute stmt_fetch "
	 "stmt_fetch stmt_reset stmt_close stmt_prepare stmt_execute stmt_prepare stmt_send_long_data stmt_execute "
	 "stmt_prepare stmt_execute stmt_execute! stmt_prepare! field_list statistics ping set_option select select "
	 "set_option select"},
	{"another user, a pipeline, with EOF packets", mysql_eof_pipeline,
	 sizeof(mysql_eof_pipeline) / sizeof(mysql_eof_pipeline[0]),
	 "change_user ping select other! ping select stmt_prepare stmt_execute"},
	{"a procedure with EOF packets", mysql_eof_procedure,
	 sizeof(mysql_eof_procedure) / sizeof(mysql_eof_procedure[0]), "call stmt_prepare stmt_execute quit select"},
	{"commands without EOF packets", mysql_bare_statements,
	 sizeof(mysql_bare_statements) / sizeof(mysql_bare_statements[0]),
	 "select select start update commit stmt_prepare stmt_execute stmt_execute stmt_execute stmt_fetch "
	 "stmt_fetch stmt_reset stmt_close stmt_prepare stmt_execute stmt_prepare stmt_send_long_data stmt_execute "
	 "stmt_prepare stmt_execute stmt_execute! stmt_prepare! field_list statistics ping set_option select select "
	 "set_option select"},
	{"another user, a pipeline, without EOF packets", mysql_bare_pipeline,
	 sizeof(mysql_bare_pipeline) / sizeof(mysql_bare_pipeline[0]),
	 "change_user ping select other! ping select stmt_prepare stmt_execute"},
	{"a procedure without EOF packets", mysql_bare_procedure,
	 sizeof(mysql_bare_procedure) / sizeof(mysql_bare_procedure[0]),
	 "call stmt_prepare stmt_execute quit select"},
	{"reports of progress", mysql_progress, sizeof(mysql_progress) / sizeof(mysql_progress[0]), "alter drop"},
};

#endif
