// Socket.IO by hand over Engine.IO's two transports: enough to show that a server in any language is reached at a port of its own.
// It has no broadcasts between workers.
package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gorilla/websocket"
)

const pingInterval = 5 * time.Second

type session struct {
	out    chan string // to the client, one packet each
	closed chan struct{}
	once   sync.Once
}

var (
	lock     sync.Mutex
	sessions = map[string]*session{}
	upgrader = websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	ask      = regexp.MustCompile(`^42(\d+)\["pid"\]`)
	toAll    = regexp.MustCompile(`^42\["all",`)
)

func (s *session) close(sid string) {
	s.once.Do(func() {
		close(s.closed)
		lock.Lock()
		delete(sessions, sid)
		lock.Unlock()
	})
}

func (s *session) send(packet string) {
	select {
	case s.out <- packet:
	case <-s.closed:
	}
}

func everybody(packet string) {
	lock.Lock()
	all := make([]*session, 0, len(sessions))
	for _, s := range sessions {
		all = append(all, s)
	}
	lock.Unlock()
	for _, s := range all {
		s.send(packet)
	}
}

func (s *session) receive(sid, packet string) {
	switch {
	case packet == "40":
		s.send(fmt.Sprintf(`40{"sid":"%s"}`, sid))
	case ask.MatchString(packet):
		s.send(fmt.Sprintf("43%s[%d]", ask.FindStringSubmatch(packet)[1], os.Getpid()))
	case toAll.MatchString(packet):
		everybody(packet)
	case packet == "41" || packet == "1":
		s.close(sid)
	}
}

func open(upgrades string) (string, *session, string) {
	id := make([]byte, 10)
	if _, err := rand.Read(id); err != nil {
		panic(err)
	}
	sid := hex.EncodeToString(id)
	s := &session{out: make(chan string, 64), closed: make(chan struct{})}
	lock.Lock()
	sessions[sid] = s
	lock.Unlock()
	go func() {
		for {
			select {
			case <-s.closed:
				return
			case <-time.After(pingInterval):
				s.send("2")
			}
		}
	}()
	return sid, s, fmt.Sprintf(`0{"sid":"%s","upgrades":[%s],"pingInterval":%d,"pingTimeout":20000,"maxPayload":1000000}`,
		sid, upgrades, pingInterval.Milliseconds())
}

func poll(w http.ResponseWriter, r *http.Request, sid string, s *session) {
	select {
	case packet := <-s.out:
		fmt.Fprint(w, packet)
	case <-s.closed:
		fmt.Fprint(w, "1")
	case <-r.Context().Done():
		s.close(sid)
	}
}

func push(w http.ResponseWriter, r *http.Request, sid string, s *session) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1000000))
	if err != nil {
		return
	}
	for _, packet := range strings.Split(string(body), "\x1e") {
		s.receive(sid, packet)
	}
	fmt.Fprint(w, "ok")
}

// A WebSocket of its own, or one that takes over a session from polling.
func socket(w http.ResponseWriter, r *http.Request, sid string, s *session) {
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	if s == nil {
		var hello string
		sid, s, hello = open("")
		conn.WriteMessage(websocket.TextMessage, []byte(hello))
	} else {
		for _, expected := range []string{"2probe", "5"} {
			if _, got, err := conn.ReadMessage(); err != nil || string(got) != expected {
				return
			}
			if expected == "2probe" {
				conn.WriteMessage(websocket.TextMessage, []byte("3probe"))
				s.send("6")
			}
		}
	}
	defer s.close(sid)
	go func() {
		for {
			select {
			case packet := <-s.out:
				conn.WriteMessage(websocket.TextMessage, []byte(packet))
			case <-s.closed:
				conn.Close()
				return
			}
		}
	}()
	for {
		_, packet, err := conn.ReadMessage()
		if err != nil {
			return
		}
		s.receive(sid, string(packet))
	}
}

func engine(w http.ResponseWriter, r *http.Request) {
	sid := r.URL.Query().Get("sid")
	lock.Lock()
	s := sessions[sid]
	lock.Unlock()
	switch {
	case sid != "" && s == nil:
		http.Error(w, `{"code":1,"message":"Session ID unknown"}`, http.StatusBadRequest)
	case r.URL.Query().Get("transport") == "websocket":
		socket(w, r, sid, s)
	case s == nil:
		_, _, hello := open(`"websocket"`)
		fmt.Fprint(w, hello)
	case r.Method == "POST":
		push(w, r, sid, s)
	default:
		poll(w, r, sid, s)
	}
}

func main() {
	http.HandleFunc("/socket.io/", engine)
	http.HandleFunc("/pid", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getpid()) })
	server := &http.Server{Addr: ":" + os.Getenv("PORT")}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go server.ListenAndServe()
	<-ctx.Done()
	lock.Lock()
	for _, s := range sessions {
		go s.once.Do(func(s *session) func() { return func() { close(s.closed) } }(s))
	}
	lock.Unlock()
	limit, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	server.Shutdown(limit)
}
