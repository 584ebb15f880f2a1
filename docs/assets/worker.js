// The search runs in a worker, which browsers start from no file:// address: from the disk it runs in a hidden frame.
if (location.protocol === "file:") {
  window.Worker = class {
    constructor(url) {
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      document.body.append(this.frame);
      this.inside = this.frame.contentWindow;
      this.inside.document.open();
      this.inside.postMessage = (data) => this.answer(structuredClone(data));
      this.ready = new Promise((done) => this.inside.addEventListener("load", done));
      this.inside.document.write(`<body><script src="${new URL(url, location.href)}"><\/script>`);
      this.inside.document.close();
    }

    answer(data) {
      setTimeout(() => this.onmessage?.({ data }));
    }

    postMessage(message) {
      const data = structuredClone(message); // as between threads: what is sent may be changed after
      this.ready.then(() => this.inside.onmessage({ data })).catch((error) => this.onerror?.(error));
    }

    terminate() {
      this.frame.remove();
    }
  };
}
