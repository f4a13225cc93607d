// Search from a folder: browsers start no worker for file:// pages, so its script runs in a frame.
(() => {
  if (location.protocol !== "file:") return;
  const inside = (script) => {
    const { port1: here, port2: outside } = new MessageChannel();
    const heard = [];
    const listen = window.addEventListener.bind(window);
    window.addEventListener = (kind, listener) =>
      kind === "message" ? heard.push(listener) : listen(kind, listener);
    window.postMessage = (data) => here.postMessage(data);
    window.importScripts = (...urls) =>
      Promise.all(
        urls.map(
          (url) =>
            new Promise((done, failed) => {
              const tag = document.createElement("script");
              Object.assign(tag, { src: url, onload: done, onerror: failed });
              document.head.append(tag);
            }),
        ),
      );
    here.onmessage = ({ data }) => {
      const event = new MessageEvent("message", { data });
      heard.forEach((listener) => listener(event));
      if (window.onmessage) window.onmessage(event);
    };
    window.importScripts(script).then(() => parent.postMessage("ready", "*", [outside]));
  };
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const waiting = [];
      this.postMessage = (data) => waiting.push(data);
      const frame = document.createElement("iframe");
      frame.hidden = true;
      const script = `(${inside})(${JSON.stringify(String(url))})`;
      frame.srcdoc = `<base href="${location.href}"><script>${script}</` + "script>";
      window.addEventListener("message", ({ source, ports }) => {
        if (source !== frame.contentWindow) return;
        const [port] = ports;
        port.onmessage = ({ data }) => {
          const event = new MessageEvent("message", { data });
          this.dispatchEvent(event);
          if (this.onmessage) this.onmessage(event);
        };
        this.postMessage = (data) => port.postMessage(data);
        waiting.forEach(this.postMessage);
      });
      document.documentElement.append(frame);
    }
    terminate() {}
  };
})();
